/** A whole gateway on a clock gone wrong: nothing is dropped for it, and it says so. */
import path from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../base/clock.js';
import type { Clock } from '../base/clock.js';
import { HttpPeer, readWhole } from '../base/http-exchange.js';
import { testKey } from '../gateway/gateway.test-helper.js';
import type { TestMessage } from '../gateway/gateway.test-helper.js';
import type { RunningGateway } from '../gateway/main.js';
import { encodeBatchHead } from '../wire/batch.js';
import { keyId } from '../wire/keys.js';
import type { SigningKey } from '../wire/keys.js';
import { Caller, client, messageNow, neighbour, startGateway, until } from './real-gateway.test-helper.js';

const GATE = testKey(1);
const CLIENT = testKey(2);
const EAST = testKey(3);
const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;

/** The machine's clock, set wrong by `aheadMs`. */
interface WrongClock extends Clock {
  aheadMs: number;
}

function wrongBy(aheadMs: number): WrongClock {
  const clock = { ...systemClock, aheadMs, nowMs: () => systemClock.nowMs() + clock.aheadMs };
  return clock;
}

function start(t: Test, dir: string, clock: Clock): Promise<RunningGateway> {
  return startGateway(t, { key: GATE, dir, clock, config: { peers: [client('client', CLIENT), neighbour('east', EAST)] } });
}

/** A gateway that has run on a good clock, holds a message for a day, and was stopped. */
async function prepare(t: Test): Promise<{ dir: string; message: TestMessage }> {
  const dir = t.testdir();
  const running = await start(t, dir, systemClock);
  const message = messageNow(80, 'nowhere.example');
  await new Caller(t, GATE, running.address.port).submit(CLIENT, [message]);
  t.ok(running.gateway.context.trust.trusted);
  await running.stop();
  return { dir, message };
}

async function holds(t: Test, { gateway, address }: RunningGateway, message: TestMessage, why: string): Promise<void> {
  await gateway.tick();
  t.equal((await gateway.context.store.find(message.record.rid))?.state, 'held', why);
  t.same(Buffer.from((await new Caller(t, GATE, address.port).fetch(message.messageId)) ?? []), Buffer.from(message.blob), 'and is served');
}

/** An empty batch, signed and dated. */
async function sayTime(t: Test, { address }: RunningGateway, key: SigningKey, timeMs: number): Promise<void> {
  const batch = encodeBatchHead({ key, to: keyId(GATE.publicKey), records: [], controls: [], sentSec: Math.floor(timeMs / 1000), nonce: new Uint8Array(16) });
  t.equal((await new Caller(t, GATE, address.port).post('/fmp/1/batch', batch)).status, 200);
}

t.test('woken in 1970: it goes on from the time it knew, takes and serves, and expires nothing', async (t) => {
  const { dir, message } = await prepare(t);
  const clock = wrongBy(-systemClock.nowMs());
  const running = await start(t, dir, clock);
  const { trust } = running.gateway.context;
  t.match(trust.status(), { trusted: false, doubt: 'behind' });
  t.ok(Math.abs(trust.nowMs() - systemClock.nowMs()) < 60_000);
  await holds(t, running, message, 'what was held is held');
  const more = messageNow(81, 'nowhere.example');
  t.equal((await new Caller(t, GATE, running.address.port).submit(CLIENT, [more])).controls[0]?.kind, 'receipt', 'and more is taken');
  clock.aheadMs = 0;
  await running.gateway.tick();
  t.ok(trust.trusted, 'once it is set right it is believed');
});

t.test('woken in 1970 at its very first start', async (t) => {
  const running = await start(t, t.testdir(), wrongBy(-systemClock.nowMs()));
  t.match(running.gateway.context.trust.status(), { trusted: false });
  const message = messageNow(82, 'nowhere.example');
  t.equal((await new Caller(t, GATE, running.address.port).submit(CLIENT, [message])).controls[0]?.kind, 'receipt', 'it takes messages all the same');
  await holds(t, running, message, 'and keeps them');
});

t.test('woken far in the future: nothing expires until somebody else agrees', async (t) => {
  const { dir, message } = await prepare(t);
  const clock = wrongBy(10 * YEAR_MS);
  const running = await start(t, dir, clock);
  const { trust } = running.gateway.context;
  t.match(trust.status(), { trusted: false, doubt: 'leapt' });
  await holds(t, running, message, 'a clock alone expires nothing');
  await sayTime(t, running, CLIENT, clock.nowMs());
  await holds(t, running, message, 'nor does a client who says the same');
  await sayTime(t, running, EAST, systemClock.nowMs());
  await holds(t, running, message, 'nor a neighbour who says another time');
  clock.aheadMs = 0;
  await running.gateway.tick();
  await holds(t, running, message, 'set right again');
  t.ok(trust.trusted, 'and believed again, for it agrees with the time that was known');
});

t.test('a leap that is true is confirmed by a neighbour, and only then is expired what has expired', async (t) => {
  const { dir, message } = await prepare(t);
  const clock = wrongBy(5 * DAY_MS);
  const running = await start(t, dir, clock);
  await holds(t, running, message, 'not yet');
  await sayTime(t, running, EAST, clock.nowMs());
  t.ok(running.gateway.context.trust.trusted);
  await until(async () => (await running.gateway.context.store.find(message.record.rid))?.state === 'expired');
  t.pass('expired');
});

t.test('set ahead, and back, while it runs', async (t) => {
  const { dir, message } = await prepare(t);
  const clock = wrongBy(0);
  const running = await start(t, dir, clock);
  const { trust } = running.gateway.context;
  clock.aheadMs = 3 * YEAR_MS;
  await holds(t, running, message, 'ahead');
  t.match(trust.status(), { trusted: false, doubt: 'leapt' });
  clock.aheadMs = -YEAR_MS;
  await holds(t, running, message, 'back');
  t.notOk(trust.trusted);
  const admin = new HttpPeer({ url: 'http://postern', socketPath: running.gateway.context.config.adminSocket ?? path.join(dir, 'none'), clock: systemClock });
  t.teardown(() => admin.close());
  const status = JSON.parse(Buffer.from(await readWhole(await admin.exchange({ method: 'GET', path: '/status', answerLimitBytes: 1 << 20 }))).toString()) as { clock: { trusted: boolean; doubt: string } };
  t.match(status.clock, { trusted: false, doubt: /^(leapt|behind)$/ }, 'the status says so');
  clock.aheadMs = 0;
  await holds(t, running, message, 'right again');
  t.ok(trust.trusted);
});
