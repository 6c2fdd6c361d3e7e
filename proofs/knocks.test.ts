/** Silence of a domain: whatever comes to its door, nothing goes back, and nobody sees from outside what became of it. */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { systemRandom } from '../base/random.js';
import { makePair, never, runInTest } from '../domain/pair.test-helper.js';
import { testKem, testKey } from '../gateway/gateway.test-helper.js';
import { sealNotifyDatagram } from '../wire/seal.js';
import { LOCAL, until } from './real-gateway.test-helper.js';

/** Long enough for an answer on loopback, also on a machine with more to do than it can. */
const WAIT_MS = 1500;

/** Sends each datagram from a socket of its own; gives what came back to any: datagrams, or a machine that says nobody listens. */
async function knockAll(t: Test, port: number, datagrams: readonly Uint8Array[]): Promise<string[]> {
  const heard: string[] = [];
  for (const datagram of datagrams) {
    const socket = createSocket('udp4');
    t.teardown(() => socket.close());
    // A connected socket is told of the machine's own answers (ICMP), too.
    socket.connect(port, LOCAL);
    await once(socket, 'connect');
    socket.on('message', (bytes) => heard.push(`${bytes.length} bytes`));
    socket.on('error', ({ message }) => heard.push(message));
    socket.send(datagram);
  }
  await pause(WAIT_MS);
  return heard;
}

t.test('known, unknown, ignored, repeated and garbled knocks are answered by nothing', { timeout: 60_000 }, async (t) => {
  const pair = await makePair(t, { content: { 'a.txt': 'one', 'b.txt': 'two' } });
  const { gateway } = pair;
  const north = await pair.north();
  const send = async (file: string): Promise<Uint8Array> => {
    const message = await north.prepare({ file: join(pair.dir, file), to: 'bo@south.example' });
    await north.handOver([message], 0, never);
    return gateway.datagram([...gateway.held.values()].at(-1)!);
  };
  const fromIgnored = await send('a.txt');
  const held = [...gateway.held.values()][0]!;
  const south = await pair.south();
  await south.setPull('ann@north.example', 'ignore');
  const atWork = await runInTest(t, pair.south, { outDir: join(pair.dir, 'out') });

  const flipped = (at: number): Uint8Array => fromIgnored.map((byte, index) => (index === at ? byte ^ 1 : byte));
  const strange = [
    gateway.datagram(held, { signWith: testKey(66) }),
    gateway.datagram(held, { sentSec: 1_000_000_000 }),
    gateway.datagram(held, { inner: systemRandom.bytes(109) }),
    sealNotifyDatagram(testKem.publicKey, gateway.key, { destination: 'south.example', holder: gateway.url, sentSec: 1_800_000_000, sealedInner: systemRandom.bytes(109) }, systemRandom.bytes(32)),
    ...[0, 5, 20, 60, 511].map(flipped),
    systemRandom.bytes(512),
    fromIgnored.subarray(0, 511),
    new Uint8Array(0),
    systemRandom.bytes(1400),
  ];
  t.same(await knockAll(t, atWork.port, [fromIgnored, fromIgnored, ...strange]), [], 'ignored, repeated, unknown and garbled');
  t.same(gateway.fetches, [], 'nor does the holder see that its knock was heard: ignored is the same as not there');

  await south.setPull('ann@north.example', 'immediate');
  const known = await send('b.txt');
  t.same(await knockAll(t, atWork.port, [known, known]), [], 'known');
  await until(() => gateway.fetches.length > 0);
  t.ok(gateway.fetches.length > 0, 'which was heard, as its fetch shows');
});

t.test('an answer would have been seen', async (t) => {
  const echo: Socket = createSocket('udp4');
  echo.bind(0, LOCAL);
  await once(echo, 'listening');
  echo.on('message', (bytes, from) => echo.send(bytes, from.port, from.address));
  const { port } = echo.address();
  t.same(await knockAll(t, port, [new Uint8Array(512)]), ['512 bytes']);
  await new Promise<void>((resolve) => echo.close(resolve));
  t.match(await knockAll(t, port, [new Uint8Array(512)]), [/ECONNREFUSED/], 'and so is that nobody listens');
});

