import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { toHex } from '../base/bytes.js';
import { ManualClock, systemClock } from '../base/clock.js';
import { systemRandom } from '../base/random.js';
import { signingKeyFromSeed } from '../wire/keys.js';
import { claim, release } from './claim.js';
import { openContext } from './domain.js';
import type { DomainEvent } from './events.js';
import { TestGateway } from './gateway.test-helper.js';
import { blobFile, keepTrouble, receiptOf, stateOf } from './outgoing.js';
import type { OutgoingMessage } from './outgoing.js';
import { editConfig, makePair, never } from './pair.test-helper.js';
import type { Pair } from './pair.test-helper.js';
import { submit } from './submit.js';

const MIB = 1024 * 1024;

function fileOf(pair: Pair, bytes: number, name = 'file'): string {
  const file = join(pair.dir, name);
  writeFileSync(file, systemRandom.bytes(bytes));
  return file;
}

function isSame(pair: Pair, message: OutgoingMessage, blob: Buffer): boolean {
  const [held] = [...pair.gateway.held.values()].filter(({ record }) => Buffer.compare(record.rid, message.record.rid) === 0);
  return held?.state === 'custody' && readFileSync(held.file).equals(blob);
}

t.test('offers a large blob before it sends any of it, and sends what is wanted', async (t) => {
  const pair = await makePair(t);
  const events: DomainEvent[] = [];
  const north = await pair.north(events);
  const message = await north.prepare({ file: fileOf(pair, 9 * MIB), to: 'bo@south.example' });
  const blob = readFileSync(blobFile(message.dir));
  await north.handOver([message], 0, never);
  t.equal(await stateOf(message), 'in-custody');
  t.ok(isSame(pair, message, blob));
  t.equal(pair.gateway.batches, 2);
  t.equal(pair.gateway.uploadedBytes, blob.length);
  const progress = events.filter((event) => event.kind === 'handing-over');
  t.match(progress.at(-1), { doneBytes: blob.length, totalBytes: blob.length });
});

t.test('goes on where a cut left off', async (t) => {
  const pair = await makePair(t);
  const north = await pair.north();
  const message = await north.prepare({ file: fileOf(pair, 12 * MIB), to: 'bo@south.example' });
  const blob = readFileSync(blobFile(message.dir));
  pair.gateway.misdeeds.cutUploadAtBytes = [Infinity, 5 * MIB, Infinity, 4 * MIB];
  await north.handOver([message], 15_000, never);
  t.equal(await stateOf(message), 'in-custody');
  t.ok(isSame(pair, message, blob));
  t.equal(pair.gateway.batches, 6, 'an offer before each of three parts');
  t.equal(pair.gateway.uploadedBytes, blob.length, 'and nothing crossed twice');
});

t.test('uploads a message once, though two have been told to hand it over', async (t) => {
  const pair = await makePair(t);
  const message = await (await pair.north()).prepare({ file: fileOf(pair, 5 * MIB), to: 'bo@south.example' });
  const both = await Promise.all([pair.north(), pair.north()]);
  await Promise.all(both.map((north) => north.handOver([message], 10_000, never)));
  t.equal(await stateOf(message), 'in-custody');
  t.equal(pair.gateway.uploadedBytes, message.record.blobBytes);
});

t.test('keeps a message when its gateway is down, and hands it over when it is back', async (t) => {
  const pair = await makePair(t);
  const north = await pair.north();
  await pair.gateway.stop();
  const message = await north.prepare({ file: fileOf(pair, 100), to: 'bo@south.example' });
  await north.handOver([message], 0, never);
  t.match(await north.outgoing(message), { state: 'offered', trouble: { gateway: 'shore', code: 'LINK_UNREACHABLE', failures: 1 } });
  t.ok(existsSync(blobFile(message.dir)));
  setTimeout(() => void pair.gateway.start(), 500);
  await north.handOver([message], 10_000, never);
  t.match(await north.outgoing(message), { state: 'in-custody', trouble: undefined });
});

t.test('takes the next gateway when the first does not answer', async (t) => {
  const pair = await makePair(t);
  const second = await new TestGateway(8).start();
  t.teardown(() => second.close());
  await (await pair.north()).addGateway(second.card('cellar'));
  const events: DomainEvent[] = [];
  const north = await pair.north(events);
  second.addClient(north.card());
  await pair.gateway.stop();
  const message = await north.prepare({ file: fileOf(pair, 100), to: 'bo@south.example' });
  await north.handOver([message], 0, never);
  t.match(events.find(({ kind }) => kind === 'in-custody'), { gateway: 'cellar' });
});

t.test('tells the refusal of a gateway: code, reason and when to ask again', async (t) => {
  const pair = await makePair(t);
  const events: DomainEvent[] = [];
  const north = await pair.north(events);
  for (const refuse of ['quota', 'full', 'too-large', 'no-route', 'expired'] as const) {
    pair.gateway.misdeeds.refuse = refuse;
    const message = await north.prepare({ file: fileOf(pair, 100, refuse), to: 'bo@south.example' });
    await north.handOver([message], 0, never);
    t.match((await north.outgoing(message)).trouble, { gateway: 'shore', code: refuse, reason: 'because the test says so' });
    t.match(events.at(-1), { kind: 'not-taken', code: refuse, retryAfterSec: 7 });
    t.ok(existsSync(blobFile(message.dir)), 'and keeps the message');
  }
});

t.test('leaves alone what another process has handed over just before', async (t) => {
  const pair = await makePair(t);
  const north = await pair.north();
  const message = await north.prepare({ file: fileOf(pair, 1000), to: 'bo@south.example' });
  await north.handOver([message], 0, never);
  const { batches } = pair.gateway;
  const context = await openContext(pair.northDir, { clock: systemClock, random: systemRandom });
  t.teardown(() => context.doors.close());
  await submit(context, [message], never);
  t.equal(pair.gateway.batches, batches);
  t.equal(await stateOf(message), 'in-custody');
});

t.test('tells no trouble of a message that has been taken all the same', async (t) => {
  const pair = await makePair(t);
  const north = await pair.north();
  const message = await north.prepare({ file: fileOf(pair, 100), to: 'bo@south.example' });
  await north.handOver([message], 0, never);
  await keepTrouble(message, { format: 1, gateway: 'shore', code: 'LINK_UNREACHABLE', reason: 'of another attempt, noted late', atSec: 1, failures: 1, nextSec: 2 });
  t.match(await north.outgoing(message), { state: 'in-custody', trouble: undefined });
});

t.test('comes again when a busy gateway says, within an hour', async (t) => {
  const pair = await makePair(t);
  const events: DomainEvent[] = [];
  const north = await pair.north(events);
  const message = await north.prepare({ file: fileOf(pair, 100), to: 'bo@south.example' });
  for (const [retryAfter, retryAfterSec] of [['77', 77], ['99999', 3600]] as const) {
    pair.gateway.misdeeds.batchStatus = 503;
    pair.gateway.misdeeds.batchHeaders = { 'retry-after': retryAfter };
    await north.handOver([message], 0, never);
    t.match(events.at(-1), { kind: 'not-taken', code: 'HTTP_503', retryAfterSec });
  }
  delete pair.gateway.misdeeds.batchStatus;
  Object.assign(pair.gateway.misdeeds, { refuse: 'full', refuseForSec: Number.MAX_SAFE_INTEGER });
  await north.handOver([message], 0, never);
  t.match(events.at(-1), { kind: 'not-taken', code: 'full', retryAfterSec: 3600 });
});

t.test('waits no longer than usual after a clock that stood far ahead', async (t) => {
  const clock = new ManualClock(Date.now());
  const pair = await makePair(t, { clock });
  const north = await pair.north();
  const message = await north.prepare({ file: fileOf(pair, 100), to: 'bo@south.example' });
  clock.jumpTo(clock.nowMs() + 2 * 86_400_000);
  pair.gateway.misdeeds.refuse = 'full';
  await north.handOver([message], 0, never);
  clock.jumpTo(clock.nowMs() - 2 * 86_400_000);
  delete pair.gateway.misdeeds.refuse;
  const stopping = new AbortController();
  const followed = north.follow([message], stopping.signal);
  for (const { batches } = pair.gateway; pair.gateway.batches < batches + 2; ) await new Promise((resolve) => setTimeout(resolve, 5));
  stopping.abort();
  await followed;
  t.equal(await stateOf(message), 'in-custody');
});

t.test('hands over nothing that is wanted back, and takes back nothing that is being handed over', async (t) => {
  const pair = await makePair(t);
  const north = await pair.north();
  const message = await north.prepare({ file: fileOf(pair, 100), to: 'bo@south.example' });
  const name = toHex(message.record.locator);
  t.ok(await claim(message.dir), 'somebody has it in hand');
  t.match(await north.retract(name, never), { outcome: 'later' });
  t.strictSame(pair.gateway.openings, []);
  await release(message.dir);
  await north.handOver([message], 10_000, never);
  t.equal(pair.gateway.held.size, 0);
  t.match(await north.retract(name, never), { outcome: 'retracted' });
  t.match(pair.gateway.openings, [{ kind: 'retract' }]);
});

t.test('holds no message up for another one whose blob is not whole any more', async (t) => {
  const pair = await makePair(t);
  const north = await pair.north();
  const messages: OutgoingMessage[] = [];
  for (const name of ['a', 'b', 'c']) messages.push(await north.prepare({ file: fileOf(pair, 100, name), to: 'bo@south.example' }));
  const [cut, altered, whole] = messages as [OutgoingMessage, OutgoingMessage, OutgoingMessage];
  truncateSync(blobFile(cut.dir), 50);
  const rotten = readFileSync(blobFile(altered.dir));
  rotten[9]! ^= 1;
  writeFileSync(blobFile(altered.dir), rotten);
  await north.handOver(messages, 0, never);
  for (const damaged of [cut, altered]) t.match(await north.outgoing(damaged), { state: 'sealed', trouble: { code: 'damaged' } });
  t.equal(await stateOf(whole), 'in-custody');
});

t.test('drops nothing without a receipt that holds', async (t) => {
  const pair = await makePair(t);
  const north = await pair.north();
  const message = await north.prepare({ file: fileOf(pair, 100), to: 'bo@south.example' });
  const { misdeeds } = pair.gateway;
  const attempt = async (): Promise<string | undefined> => {
    await north.handOver([message], 0, never);
    return (await north.outgoing(message)).trouble?.code;
  };
  misdeeds.silent = true;
  t.equal(await attempt(), 'no-receipt');
  misdeeds.silent = false;
  misdeeds.signWith = signingKeyFromSeed(new Uint8Array(32).fill(99));
  t.equal(await attempt(), 'WIRE_SIGNATURE');
  delete misdeeds.signWith;
  misdeeds.batchStatus = 500;
  t.equal(await attempt(), 'HTTP_500');
  delete misdeeds.batchStatus;
  misdeeds.insatiable = true;
  t.equal(await attempt(), 'no-progress');
  t.ok(existsSync(blobFile(message.dir)));
  t.equal(await receiptOf(message), undefined);
  delete misdeeds.insatiable;
  t.equal(await attempt(), undefined);
  t.equal(await stateOf(message), 'in-custody');
});

t.test('sends nothing to a gateway that proves another key than the pinned one', async (t) => {
  const pair = await makePair(t);
  const north = await pair.north();
  const message = await north.prepare({ file: fileOf(pair, 100), to: 'bo@south.example' });
  const { url } = pair.gateway;
  await pair.gateway.stop();
  const impostor = new TestGateway(66);
  t.teardown(() => impostor.close());
  impostor.addClient(north.card());
  await impostor.startOn(Number(new URL(url).port));
  await north.handOver([message], 0, never);
  t.equal((await north.outgoing(message)).trouble?.code, 'LINK_PEER_KEY');
  t.equal(impostor.batches, 0);
});

t.test('says that a gateway does not know us', async (t) => {
  const pair = await makePair(t);
  const stranger = await new TestGateway(8).start();
  t.teardown(() => stranger.close());
  await (await pair.north()).addGateway({ ...stranger.card('shore2') });
  await pair.gateway.stop();
  const north = await pair.north();
  const message = await north.prepare({ file: fileOf(pair, 100), to: 'bo@south.example' });
  await north.handOver([message], 0, never);
  t.match((await north.outgoing(message)).trouble, { gateway: 'shore2', code: 'stranger' });
});

t.test('says that there is no gateway at all', async (t) => {
  const pair = await makePair(t);
  const north = await pair.north();
  const message = await north.prepare({ file: fileOf(pair, 100), to: 'bo@south.example' });
  editConfig(pair.northDir, (config) => Object.assign(config, { gateways: [] }));
  await t.rejects((await pair.north()).handOver([message], 0, never), { code: 'DOMAIN_GATEWAY' });
});

t.test('makes one message of one command, however often it is given', async (t) => {
  const pair = await makePair(t);
  const file = fileOf(pair, 100);
  const make = async (again?: true): Promise<OutgoingMessage> => (await pair.north()).prepare({ file, to: 'bo@south.example', ...(again && { again }) });
  const first = await make();
  t.equal((await make()).name, first.name, 'sealed');
  t.equal((await make(true)).name, first.name, 'and still under way: nothing is made again');
  const both = await Promise.all([pair.north(), pair.north()].map(async (north) => (await north).prepare({ file, to: 'bo@south.example', name: 'at the same time' })));
  t.equal(both[0]!.name, both[1]!.name);
  await (await pair.north()).handOver([first], 0, never);
  t.equal((await make()).name, first.name, 'in custody');
  const second = await make(true);
  t.not(second.name, first.name, 'again when it is asked for');
  t.equal((await make()).name, second.name);
  writeFileSync(file, 'other content');
  t.not((await make()).name.slice(0, 32), first.name.slice(0, 32), 'another content is another command');
});

t.test('ends a message that nobody has taken by its expiry, in silence', async (t) => {
  const clock = new ManualClock(Date.now());
  const pair = await makePair(t, { clock });
  const events: DomainEvent[] = [];
  const north = await pair.north(events);
  const message = await north.prepare({ file: fileOf(pair, 100), to: 'bo@south.example', lifetimeHours: 1 });
  t.equal(message.record.expirySec % 3600, 0);
  clock.jumpTo(message.record.expirySec * 1000);
  const stopping = new AbortController();
  const done = north.run({ accept: true, onRequest: false }, stopping.signal);
  while (!events.some(({ kind }) => kind === 'outcome')) await new Promise((resolve) => setTimeout(resolve, 5));
  stopping.abort();
  await done;
  t.equal(await stateOf(message), 'expired');
  t.equal(pair.gateway.held.size, 0);
});

t.test('ends a message that its recipient let expire, once no news can be under way any more', async (t) => {
  const clock = new ManualClock(Date.now());
  const pair = await makePair(t, { clock });
  const events: DomainEvent[] = [];
  const north = await pair.north(events);
  const message = await north.prepare({ file: fileOf(pair, 100), to: 'bo@south.example', lifetimeHours: 1 });
  await north.handOver([message], 0, never);
  clock.jumpTo(message.record.expirySec * 1000);
  const stopping = new AbortController();
  const followed = north.follow([message], stopping.signal);
  for (const batches = pair.gateway.batches; pair.gateway.batches === batches; ) await new Promise((resolve) => setTimeout(resolve, 5));
  stopping.abort();
  await followed;
  t.equal(await stateOf(message), 'in-custody');
  clock.jumpTo((message.record.expirySec + 86_400) * 1000);
  await north.follow([message], never);
  t.equal(await stateOf(message), 'expired');
  t.match(events.at(-1), { kind: 'outcome', outcome: 'expired' });
});

t.test('refuses what is no file, and a file that cannot be read', async (t) => {
  const pair = await makePair(t);
  const north = await pair.north();
  for (const file of [pair.dir, join(pair.dir, 'absent'), '/dev/null']) await t.rejects(north.prepare({ file, to: 'bo@south.example' }), { code: 'DOMAIN_FILE' });
  t.equal(statSync(join(pair.northDir, 'outgoing')).isDirectory(), true);
});
