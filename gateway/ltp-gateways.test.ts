/** Two gateways joined by LTP and nothing else: real files, real datagrams. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { toBase64url } from '../base/bytes.js';
import { ManualClock, systemClock } from '../base/clock.js';
import { HttpPeer, readWhole } from '../base/http-exchange.js';
import { systemRandom } from '../base/random.js';
import { freeUdpPort } from '../scripts/free-ports.js';
import { makeDomainRecord } from '../wire/domain-record.js';
import { parseConfig } from './config.js';
import { testBatch, testKem, testKey, testMessage, type TestMessage } from './gateway.test-helper.js';
import { createKeyFile } from './key-file.js';
import { testLink } from './link-test.js';
import { runGateway, type RunningGateway } from './main.js';

const LOCAL = '127.0.0.1';
const SIDES = {
  west: { key: testKey(1), client: testKey(3), domain: 'west.example', engineId: 1, other: 'east' },
  east: { key: testKey(2), client: testKey(4), domain: 'east.example', engineId: 2, other: 'west' },
} as const;
type SideName = keyof typeof SIDES;

t.setTimeout(120_000);

async function start(dir: string, name: SideName, ports: Record<SideName, number>): Promise<RunningGateway> {
  const { key, client, domain, engineId, other } = SIDES[name];
  const home = path.join(dir, name);
  await mkdir(home);
  await createKeyFile(path.join(home, 'gateway.key'), key.seed);
  const record = makeDomainRecord(client, { domain, kemKey: testKem.publicKey, createdSec: 1_700_000_000, notAfterSec: 4_000_000_000, escrow: false, endpoints: [{ host: LOCAL, udpPort: 9 }] });
  await writeFile(path.join(home, 'client.record'), record.bytes);
  const link = { kind: 'ltp', host: LOCAL, port: ports[other], engineId: SIDES[other].engineId, rateBytesPerSec: 5_000_000, retry: { firstMs: 200, capMs: 1000 } };
  const config = parseConfig(
    {
      gateway: { name, nodeId: `dtn://${name}/`, publicUrl: `https://${LOCAL}:1`, keyFile: 'gateway.key' },
      listen: { https: { host: LOCAL, port: 0 }, ltp: { host: LOCAL, port: ports[name], engineId } },
      store: { segmentBytes: 2 ** 21 },
      log: { level: 'silent' },
      peers: [
        { name: 'client', role: 'client', key: toBase64url(client.publicKey), domainRecordFile: 'client.record' },
        { name: other, role: 'neighbour', key: toBase64url(SIDES[other].key.publicKey), nodeId: `dtn://${other}/`, links: [link] },
      ],
      routes: [{ to: '*', via: other }],
    },
    path.join(home, 'postern.yaml'),
  );
  return runGateway(config, systemClock, systemRandom);
}

async function submit(gateway: RunningGateway, name: SideName, message: TestMessage): Promise<number> {
  const peer = new HttpPeer({ url: `https://${LOCAL}:${gateway.address.port}`, key: SIDES[name].key.publicKey, clock: systemClock });
  const chunks: Uint8Array[] = [];
  for await (const chunk of testBatch(SIDES[name].client, SIDES[name].key, [message])) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const answer = await peer.exchange({
    method: 'POST',
    path: '/fmp/1/batch',
    body: {
      bytes: body.length,
      async *open() {
        yield body;
      },
    },
    answerLimitBytes: 1 << 20,
  });
  await readWhole(answer);
  peer.close();
  return answer.status;
}

t.test('messages cross both ways over LTP, small and large, and the link can be tested', async (t) => {
  // The path of a unix socket has to be short.
  const dir = await mkdtemp(path.join(tmpdir(), 'postern-'));
  const ports = { west: await freeUdpPort(), east: await freeUdpPort() };
  const gateways = { west: await start(dir, 'west', ports), east: await start(dir, 'east', ports) };
  t.teardown(async () => {
    await Promise.all([gateways.west.stop(), gateways.east.stop()]);
    await rm(dir, { recursive: true, force: true });
  });
  const now = new ManualClock(Date.now());
  for (const [seed, from, blobBytes] of [[1, 'west', 1000], [2, 'east', 1000], [3, 'west', 3_000_000]] as const) {
    const { other } = SIDES[from];
    const message = testMessage(seed, SIDES[other].domain, now, blobBytes);
    t.equal(await submit(gateways[from], from, message), 200);
    const isIn = async (name: SideName): Promise<boolean> => (await gateways[name].gateway.context.store.find(message.record.rid))?.state !== undefined;
    const target = async (name: SideName): Promise<string | undefined> => (await gateways[name].gateway.context.store.find(message.record.rid))?.schedule?.target;
    const neighbourTarget = await target(from);
    while (!(await isIn(other)) || (await target(from)) === neighbourTarget) await new Promise((resolve) => setTimeout(resolve, 50));
    t.pass(`${blobBytes} bytes from ${from}: there, and its receipt is back`);
  }
  const { gateway } = gateways.west;
  const { peer, lanes: [lane] } = gateway.forwarders().find((forwarder) => forwarder.peer.name === 'east')!;
  const tested = await testLink(gateway.context, peer, lane!, 500_000, (load) => gateway.freight(peer, lane!.link.supports, load));
  t.match(tested, { link: 'east/ltp', works: true, outcome: 'confirmed' });
});
