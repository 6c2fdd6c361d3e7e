import { createSocket } from 'node:dgram';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { seededRandom } from '../../base/random.js';
import { testKey } from '../../gateway/gateway.test-helper.js';
import { Caller, client, LOCAL, messageNow, neighbour, recordOf, startGateway, until } from '../../proofs/real-gateway.test-helper.js';

const KEYS = { west: testKey(1), east: testKey(2), client: testKey(3), far: testKey(4) };
const DISCARD_PORT = 9;
const SECRET = 'what all listeners of this broadcast know\n';

t.test('messages go down a broadcast that loses a tenth, and their receipts come home over https', { timeout: 60_000 }, async (t) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'postern-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  await writeFile(path.join(dir, 'far.record'), recordOf(KEYS.far, 'example.org', DISCARD_PORT));
  await writeFile(path.join(dir, 'secret'), SECRET, { mode: 0o600 });
  const secretFile = '../secret';
  const eastPort = await freePort();
  const relayPort = await lossyRelay(t, eastPort);

  const west = await startGateway(t, {
    key: KEYS.west,
    name: 'west',
    dir: path.join(dir, 'west'),
    config: {
      peers: [client('client', KEYS.client), neighbour('east', KEYS.east, [{ kind: 'broadcast', host: LOCAL, port: relayPort, ttl: 0, rateBytesPerSec: 4_000_000, rounds: 3, pauseMs: 500, spreadMs: 0, secretFile }])],
      routes: [{ to: '*', via: 'east' }],
    },
  });
  const east = await startGateway(t, {
    key: KEYS.east,
    name: 'east',
    dir: path.join(dir, 'east'),
    config: {
      listen: { https: { host: LOCAL, port: 0 }, broadcast: { host: LOCAL, port: eastPort } },
      peers: [client('far', KEYS.far, '../far.record'), neighbour('west', KEYS.west, [{ kind: 'broadcast', secretFile }, { kind: 'https', url: `https://${LOCAL}:${west.address.port}`, retry: { firstMs: 200, capMs: 1000 } }])],
    },
  });

  const messages = [messageNow(1, 'example.org', 300), messageNow(2, 'example.org', 900_000), messageNow(3, 'example.org', 3_000_000)];
  await new Caller(t, KEYS.west, west.address.port).submit(KEYS.client, messages);
  for (const { record } of messages) await until(async () => (await west.gateway.context.store.find(record.rid))?.state === 'forwarded');
  const far = new Caller(t, KEYS.east, east.address.port);
  for (const { messageId, blob } of messages) t.ok(Buffer.from(blob).equals((await far.fetch(messageId)) ?? new Uint8Array()));
});

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, LOCAL, resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

async function lossyRelay(t: Test, toPort: number): Promise<number> {
  const random = seededRandom(11);
  const socket = createSocket('udp4');
  socket.on('message', (datagram) => {
    if (random.fraction() >= 0.1) socket.send(datagram, toPort, LOCAL);
  });
  await new Promise<void>((resolve) => socket.bind(0, LOCAL, resolve));
  t.teardown(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  return socket.address().port;
}
