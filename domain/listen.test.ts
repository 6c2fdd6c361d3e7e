import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { systemRandom } from '../base/random.js';
import { kemKeyFromSeed, signingKeyFromSeed } from '../wire/keys.js';
import { recipientHash } from '../wire/recipient-hash.js';
import { sealInner } from '../wire/seal.js';
import { TestGateway } from './gateway.test-helper.js';
import type { Held } from './gateway.test-helper.js';
import { editConfig, makePair, never, runInTest } from './pair.test-helper.js';
import type { Pair } from './pair.test-helper.js';

const HOUR_SEC = 3600;
const nowSec = (): number => Math.floor(Date.now() / 1000);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function sent(pair: Pair): Promise<Held> {
  const north = await pair.north();
  const message = await north.prepare({ file: join(pair.dir, 'file'), to: 'bo@south.example' });
  await north.handOver([message], 0, never);
  return [...pair.gateway.held.values()][0]!;
}

function pendingOf(pair: Pair): string[] {
  return readdirSync(join(pair.southDir, 'pending')).filter((name) => !name.startsWith('.tmp'));
}

t.test('answers nothing to anything, and remembers nothing of what it does not believe', async (t) => {
  const pair = await makePair(t, { content: { file: 'x' } });
  const held = await sent(pair);
  const { gateway } = pair;
  let replies = 0;
  gateway.onReply(() => (replies += 1));
  const running = await runInTest(t, pair.south);
  const good = gateway.datagram(held);
  const flipped = (at: number): Uint8Array => {
    const copy = Uint8Array.from(good);
    copy[at]! ^= 1;
    return copy;
  };
  const { kemKey } = (await pair.south()).card().domain;
  const { notification } = held.record;
  const inner = (expirySec: number): Uint8Array => sealInner(kemKey, 'south.example', { recipientHash: new Uint8Array(24), messageId: systemRandom.bytes(24), expirySec }, systemRandom.bytes(32));
  const cases: [string, Uint8Array][] = [
    ['an empty datagram', new Uint8Array(0)],
    ['one byte', Uint8Array.of(17)],
    ['noise of the right size', systemRandom.bytes(512)],
    ['zeros', new Uint8Array(512)],
    ['cut short', good.subarray(0, 511)],
    ['longer', Uint8Array.from([...good, 0])],
    ['another type', flipped(0)],
    ['another key id', flipped(1)],
    ['another mac', flipped(9)],
    ['an altered seal', flipped(100)],
    ['an altered end', flipped(511)],
    ['signed by a stranger', gateway.datagram(held, { signWith: signingKeyFromSeed(new Uint8Array(32).fill(5)) })],
    ['too old', gateway.datagram(held, { sentSec: nowSec() - 2 * HOUR_SEC - 10 })],
    ['from the future', gateway.datagram(held, { sentSec: nowSec() + 2 * HOUR_SEC + 10 })],
    ['an inner notification that does not open', gateway.datagram(held, { inner: systemRandom.bytes(notification!.length) })],
    ['sealed to somebody else', gateway.datagram(held, { inner: sealInner(kemKeyFromSeed(new Uint8Array(32).fill(3)).publicKey, 'south.example', { recipientHash: new Uint8Array(24), messageId: new Uint8Array(24), expirySec: nowSec() + HOUR_SEC }, systemRandom.bytes(32)) })],
    ['expired', gateway.datagram(held, { inner: inner(nowSec() - 1) })],
  ];
  for (const [, datagram] of cases) await gateway.sendDatagram(datagram, running.port);
  // What was sent before it has been dealt with once the good one is heard.
  await gateway.sendDatagram(good, running.port);
  await running.until('delivered');
  t.equal(running.events.filter(({ kind }) => kind === 'heard').length, 1, `${cases.length} were not believed`);
  t.strictSame(pendingOf(pair), []);
  t.equal(gateway.fetches.length, 1);
  t.strictSame(running.events.filter(({ kind }) => kind === 'trouble'), []);
  t.equal(replies, 0);
});

t.test('hears a knock once, however often the same datagram comes', async (t) => {
  const pair = await makePair(t, { content: { file: 'x' } });
  const held = await sent(pair);
  const running = await runInTest(t, pair.south);
  const datagram = pair.gateway.datagram(held);
  await pair.gateway.sendDatagram(datagram, running.port);
  await running.until('accepted');
  for (let i = 0; i < 20; i += 1) await pair.gateway.sendDatagram(datagram, running.port);
  await pause(200);
  t.equal(pair.gateway.fetches.length, 1);
  t.equal(pair.gateway.openings.length, 1);
  t.equal(running.events.filter(({ kind }) => kind === 'delivered').length, 1);
});

t.test('tells again that a message is accepted when its holder knocks again, and delivers it no second time', async (t) => {
  const pair = await makePair(t, { content: { file: 'x' } });
  const held = await sent(pair);
  const running = await runInTest(t, pair.south);
  await pair.gateway.knock(held, running.port);
  await running.until('accepted');
  held.state = 'custody';
  const before = running.events.length;
  await pair.gateway.knock(held, running.port);
  await running.until('accepted', before);
  t.equal(held.state, 'accepted');
  t.equal(pair.gateway.fetches.length, 1);
  t.equal(running.events.filter(({ kind }) => kind === 'delivered').length, 1);
});

t.test('tells another holder that a message is accepted when that one knocks', async (t) => {
  const pair = await makePair(t, { content: { file: 'x' } });
  const held = await sent(pair);
  const second = await new TestGateway(8).start();
  t.teardown(() => second.close());
  const south = await pair.south();
  await south.addGateway(second.card('cellar'));
  second.addClient(south.card());
  const other = second.hold(held.record, readFileSync(held.file));
  const running = await runInTest(t, pair.south);
  await pair.gateway.knock(held, running.port);
  await running.until('accepted');
  const before = running.events.length;
  await second.knock(other, running.port);
  await running.until('accepted', before);
  t.equal(other.state, 'accepted');
  t.equal(running.events.filter(({ kind }) => kind === 'delivered').length, 1);
});

t.test('hears of a message though the table is full of what nobody holds', async (t) => {
  const pair = await makePair(t, { content: { file: 'x' } });
  const held = await sent(pair);
  editConfig(pair.southDir, ({ knock }) => Object.assign(knock, { mostPending: 3 }));
  const running = await runInTest(t, pair.south);
  const { domain, users } = (await pair.south()).card();
  const [ann] = (await pair.north()).card().users;
  const hash = recipientHash(ann!.kemKey, users[0]!.kemKey, 'south.example');
  for (let i = 0; i < 5; i += 1) {
    const before = running.events.length;
    const inner = sealInner(domain.kemKey, 'south.example', { recipientHash: hash, messageId: systemRandom.bytes(24), expirySec: nowSec() + 1000 * HOUR_SEC }, systemRandom.bytes(32));
    await pair.gateway.knock(held, running.port, { inner });
    await running.until('waiting', before);
  }
  t.equal(pendingOf(pair).length, 3);
  await pair.gateway.knock(held, running.port);
  await running.until('delivered');
});

t.test('leaves no trace of senders who are ignored', async (t) => {
  const pair = await makePair(t, { content: { file: 'x' } });
  const held = await sent(pair);
  const south = await pair.south();
  await south.setPull('ann@north.example', 'ignore');
  const running = await runInTest(t, pair.south);
  await pair.gateway.knock(held, running.port);
  await pause(300);
  t.strictSame(pendingOf(pair), []);
  t.equal(pair.gateway.fetches.length, 0);
  t.notOk(running.events.some(({ kind }) => kind === 'heard'));
  await south.setPull('ann@north.example', 'immediate');
  await pair.gateway.knock(held, running.port);
  await running.until('delivered');
});

t.test('notes what comes from on-request senders, and fetches it when asked to', async (t) => {
  const pair = await makePair(t, { content: { file: 'x' } });
  const held = await sent(pair);
  await (await pair.south()).setPull('ann@north.example', 'on-request');
  const running = await runInTest(t, pair.south);
  await pair.gateway.knock(held, running.port);
  await running.until('waiting');
  t.equal(pair.gateway.fetches.length, 0);
  t.equal(pendingOf(pair).length, 1);
  await running.stop();
  const asked = await runInTest(t, pair.south, { onRequest: true });
  await asked.until('delivered');
});

t.test('is silent to senders it does not know, and fetches nothing until it knows them', async (t) => {
  const pair = await makePair(t, { content: { file: 'x' } });
  const held = await sent(pair);
  const known = (await pair.north()).card();
  rmSync(join(pair.southDir, 'correspondents', 'north.example.json'));
  const running = await runInTest(t, pair.south);
  await pair.gateway.knock(held, running.port);
  t.match(await running.until('waiting'), { reason: /not known here/ });
  t.equal(pair.gateway.fetches.length, 0);
  await pair.gateway.knock(held, running.port);
  await pause(100);
  await (await pair.south()).learn(known);
  await running.until('delivered');
  t.equal(running.events.filter(({ kind }) => kind === 'waiting').length, 1, 'and says so once');
});

t.test('bounds what strangers can make it do', async (t) => {
  const pair = await makePair(t, { content: { file: 'x' } });
  const held = await sent(pair);
  editConfig(pair.southDir, ({ knock }) => Object.assign(knock, { burst: 5, perSecond: 0.001, mostPending: 6 }));
  const running = await runInTest(t, pair.south);
  const { kemKey } = (await pair.south()).card().domain;
  for (let i = 0; i < 50; i += 1) {
    const inner = sealInner(kemKey, 'south.example', { recipientHash: systemRandom.bytes(24), messageId: systemRandom.bytes(24), expirySec: nowSec() + HOUR_SEC }, systemRandom.bytes(32));
    await pair.gateway.knock(held, running.port, { inner });
  }
  for (let waits = 0; pendingOf(pair).length < 3 && waits < 200; waits += 1) await pause(50);
  await pause(300);
  t.equal(pendingOf(pair).length, 3, 'strangers get half of the table');
  t.ok(running.events.filter(({ kind }) => kind === 'heard').length <= 5, 'and opening has its rate');
});

t.test('says when its port is taken', async (t) => {
  const pair = await makePair(t);
  const running = await runInTest(t, pair.south);
  editConfig(pair.southDir, ({ knock }) => Object.assign(knock, { listenPort: running.port }));
  await t.rejects((await pair.south()).run({ accept: true, onRequest: false }, never), { code: 'DOMAIN_PORT', data: { host: '127.0.0.1', port: running.port } });
});
