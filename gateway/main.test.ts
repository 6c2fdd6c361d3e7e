import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { equalBytes, toBase64url } from '../base/bytes.js';
import { ManualClock, systemClock } from '../base/clock.js';
import { HttpPeer, readWhole } from '../base/http-exchange.js';
import { systemRandom } from '../base/random.js';
import { makeDomainRecord } from '../wire/domain-record.js';
import { datagramIsFor } from '../wire/notification.js';
import { encodeOpening } from '../wire/opening.js';
import { parseConfig } from './config.js';
import { readAnswer, testBatch, testKem, testKey, testMessage } from './gateway.test-helper.js';
import { createKeyFile } from './key-file.js';
import { runGateway } from './main.js';
import type { RunningGateway } from './main.js';

const KEYS = { west: testKey(1), east: testKey(2), client: testKey(3), far: testKey(4) };
const LOCAL = '127.0.0.1';

/** Real daemons but for the process: real files, real sockets, TLS. */
async function start(dir: string, name: 'west' | 'east', rest: Record<string, unknown>, listen: Record<string, unknown> = {}): Promise<RunningGateway> {
  await mkdir(dir, { recursive: true });
  await createKeyFile(path.join(dir, 'gateway.key'), KEYS[name].seed);
  const config = parseConfig(
    {
      gateway: { name, nodeId: `dtn://${name}/`, publicUrl: `https://${LOCAL}:1`, keyFile: 'gateway.key' },
      listen: { https: { host: LOCAL, port: 0 }, ...listen },
      store: { segmentBytes: 2 ** 21 },
      log: { level: 'silent' },
      ...rest,
    },
    path.join(dir, 'postern.yaml'),
  );
  return runGateway(config, systemClock, systemRandom);
}

async function knockSocket(t: Test): Promise<{ port: number; next: () => Promise<Uint8Array> }> {
  const socket = createSocket('udp4');
  socket.bind(0, LOCAL);
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  return { port: socket.address().port, next: async () => ((await once(socket, 'message')) as [Uint8Array])[0] };
}

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer().listen(0, LOCAL);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function peerOf(gateway: RunningGateway, key: Uint8Array): HttpPeer {
  return new HttpPeer({ url: `https://${LOCAL}:${gateway.address.port}`, key, clock: systemClock });
}

async function post(peer: HttpPeer, pathname: string, chunks: AsyncIterable<Uint8Array>): Promise<{ status: number; bytes: Uint8Array }> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  const whole = Buffer.concat(parts);
  const answer = await peer.exchange({
    method: 'POST',
    path: pathname,
    body: {
      bytes: whole.length,
      async *open() {
        yield whole;
      },
    },
    answerLimitBytes: 1 << 20,
  });
  return { status: answer.status, bytes: await readWhole(answer) };
}

for (const kind of ['tcpcl', 'https'] as const) {
  t.test(`a message crosses two gateways over ${kind} with TLS, and survives a restart of both in between`, async (t) => {
    // The path of a unix socket has to be short.
    const dir = await mkdtemp(path.join(tmpdir(), 'postern-'));
    t.teardown(() => rm(dir, { recursive: true, force: true }));
    const knocks = await knockSocket(t);
    const doors = { west: await freePort(), east: await freePort() };
    const record = makeDomainRecord(KEYS.far, { domain: 'example.org', kemKey: testKem.publicKey, createdSec: 1_700_000_000, notAfterSec: 4_000_000_000, escrow: false, endpoints: [{ host: LOCAL, udpPort: knocks.port }] });
    await writeFile(path.join(dir, 'far.record'), record.bytes);
    const retry = { firstMs: 200, capMs: 1000 };
    const link = (to: 'west' | 'east'): unknown =>
      kind === 'tcpcl' ? { kind, host: LOCAL, port: doors[to], retry } : { kind, url: `https://${LOCAL}:${doors[to]}`, retry };
    const listen = (at: 'west' | 'east'): Record<string, unknown> =>
      kind === 'tcpcl' ? { tcpcl: { host: LOCAL, port: doors[at] } } : { https: { host: LOCAL, port: doors[at] } };
    const startWest = (): Promise<RunningGateway> =>
      start(path.join(dir, 'west'), 'west', {
        peers: [
          { name: 'client', role: 'client', key: toBase64url(KEYS.client.publicKey) },
          { name: 'east', role: 'neighbour', key: toBase64url(KEYS.east.publicKey), nodeId: 'dtn://east/', links: [link('east')] },
        ],
        routes: [{ to: '*', via: 'east' }],
      }, listen('west'));
    const startEast = (): Promise<RunningGateway> =>
      start(path.join(dir, 'east'), 'east', {
        peers: [
          { name: 'far', role: 'client', key: toBase64url(KEYS.far.publicKey), domainRecordFile: '../far.record' },
          { name: 'west', role: 'neighbour', key: toBase64url(KEYS.west.publicKey), nodeId: 'dtn://west/', links: [link('west')] },
        ],
      }, listen('east'));

    let west = await startWest();
    const message = testMessage(1, 'example.org', new ManualClock(Date.now()), 3_000_000);
    let peer = peerOf(west, KEYS.west.publicKey);
    const { status, bytes } = await post(peer, '/fmp/1/batch', testBatch(KEYS.client, KEYS.west, [message]));
    t.equal(status, 200);
    t.equal(readAnswer(bytes).controls[0]?.kind, 'receipt');
    peer.close();
    await west.stop();
    await west.stop();

    west = await startWest();
    let east = await startEast();
    t.teardown(() => Promise.all([west.stop(), east.stop()]));
    const knock = await knocks.next();
    t.equal(knock.length, 512);
    t.ok(datagramIsFor(testKem.publicKey, knock));
    await east.stop();
    east = await startEast();

    peer = peerOf(east, KEYS.east.publicKey);
    const blobPath = `/fmp/1/blob/${toBase64url(message.messageId)}`;
    const answer = await peer.exchange({ method: 'GET', path: blobPath, answerLimitBytes: 10_000_000 });
    t.equal(answer.status, 200);
    t.ok(equalBytes(await readWhole(answer), message.blob));
    const opened = await post(peer, '/fmp/1/opening', (async function* () {
      yield encodeOpening(message.accept);
    })());
    t.equal(opened.status, 204);
    const stateIn = async (gateway: RunningGateway): Promise<string | undefined> => (await gateway.gateway.context.store.find(message.record.rid))?.state;
    for (let tries = 0; tries < 100 && (await stateIn(west)) !== 'accepted'; tries += 1) await new Promise((resolve) => setTimeout(resolve, 100));
    t.equal(await stateIn(east), 'accepted');
    t.equal(await stateIn(west), 'accepted', 'the acceptance went back');
    const gone = await peer.exchange({ method: 'GET', path: blobPath, answerLimitBytes: 1000 });
    t.equal(gone.status, 404);
    await readWhole(gone);
    peer.close();
  });
}
