/**
 * A disk without room, for real: what was promised stays, what cannot be promised is refused by code to be brought again
 * later, and everything goes on by itself when there is room again.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../base/clock.js';
import { systemRandom } from '../base/random.js';
import { testKey } from '../gateway/gateway.test-helper.js';
import type { TestMessage } from '../gateway/gateway.test-helper.js';
import { runGateway } from '../gateway/main.js';
import type { RunningGateway } from '../gateway/main.js';
import type { BatchHead } from '../wire/batch-head-reader.js';
import { takenRids } from '../wire/receipt.js';
import { Caller, client, configFor, messageNow, startGateway, until } from './real-gateway.test-helper.js';
import { SmallDisk, whyNoSmallDisk } from './small-disk.test-helper.js';

const GATE = testKey(1);
const CLIENT = testKey(2);
const skip = whyNoSmallDisk();
const DISK_MIB = 32;
const SMALL_BYTES = 30_000;
const LARGE_BYTES = 3_000_000;
const PER_BATCH = 8;
let seed = 10_000;

interface Place {
  readonly disk: SmallDisk;
  readonly running: RunningGateway;
  readonly caller: Caller;
}

const config = { peers: [client('client', CLIENT)], store: { segmentBytes: 2 ** 21, largeBlobBytes: 2 ** 20 } };

async function open(t: Test): Promise<Place> {
  const disk = SmallDisk.mount(t, DISK_MIB);
  const running = await startGateway(t, { key: GATE, dir: path.join(disk.dir, 'gate'), config });
  return { disk, running, caller: new Caller(t, GATE, running.address.port) };
}

function make(count: number, bytes: number): TestMessage[] {
  return Array.from({ length: count }, () => messageNow(seed++, 'nowhere.example', bytes));
}

function isTaken(answer: BatchHead, { record }: TestMessage): boolean {
  return answer.controls.some((control) => control.kind === 'receipt' && takenRids(control).some((rid) => Buffer.from(rid).equals(record.rid)));
}

function refusalsIn(answer: BatchHead): string[] {
  return answer.controls.flatMap((control) => (control.kind === 'refusal' ? [`${control.code} ${(control.retryAfterSec ?? 0) > 0 ? 'later' : 'never'}`] : []));
}

/** Everything that was receipted is there, as it was. */
async function allThere(t: Test, { caller }: Place, taken: readonly TestMessage[]): Promise<void> {
  let whole = 0;
  for (const { messageId, blob } of taken) if (Buffer.from((await caller.fetch(messageId)) ?? []).equals(blob)) whole += 1;
  t.equal(whole, taken.length, `${taken.length} that were taken are there`);
}

/** Hands over until nothing more is taken. */
async function handOverUntilFull(place: Place, bytes: number): Promise<{ taken: TestMessage[]; refusals: Set<string> }> {
  const taken: TestMessage[] = [];
  const refusals = new Set<string>();
  for (let round = 0; round < 200; round += 1) {
    const batch = make(PER_BATCH, bytes);
    const answer = await place.caller.submit(CLIENT, batch);
    const now = batch.filter((message) => isTaken(answer, message));
    taken.push(...now);
    for (const refusal of refusalsIn(answer)) refusals.add(refusal);
    if (now.length === 0) break;
  }
  return { taken, refusals };
}

async function takesAgain(t: Test, place: Place, bytes: number): Promise<TestMessage> {
  const [message] = make(1, bytes) as [TestMessage];
  let answer = await place.caller.submit(CLIENT, [message]);
  await until(async () => {
    if (isTaken(answer, message)) return true;
    answer = await place.caller.submit(CLIENT, [message]);
    return isTaken(answer, message);
  });
  t.pass(`${bytes} bytes are taken again, without a restart`);
  return message;
}

t.test('small blobs: the disk fills up under them', { skip, timeout: 60_000 }, async (t) => {
  const place = await open(t);
  place.disk.fill(5 << 20);
  const { taken, refusals } = await handOverUntilFull(place, SMALL_BYTES);
  t.ok(taken.length > 0);
  t.same(refusals, new Set(['full later']), 'the rest is refused, to be brought again');
  await allThere(t, place, taken);
  const [first] = taken as [TestMessage];
  await place.caller.open(first.retract);
  await until(async () => (await place.caller.fetch(first.messageId)) === undefined);
  t.pass('what is taken back goes, on a full disk too');
  place.disk.relieve();
  await takesAgain(t, place, SMALL_BYTES);
  await allThere(t, place, taken.slice(1));
});

t.test('large blobs: the disk fills up in the middle of one', { skip, timeout: 60_000 }, async (t) => {
  const place = await open(t);
  const { disk, caller } = place;
  const before = make(2, LARGE_BYTES);
  const answer = await caller.submit(CLIENT, before);
  t.ok(before.every((message) => isTaken(answer, message)));
  disk.fill(1 << 20);
  const [late] = make(1, LARGE_BYTES) as [TestMessage];
  const refused = await caller.submit(CLIENT, [late]).then(refusalsIn, (thrown: unknown) => [String(thrown)]);
  t.match(refused, [/^full later|STORE_FULL/], 'it is refused by code');
  await allThere(t, place, before);
  disk.relieve();
  await until(async () => isTaken(await caller.submit(CLIENT, [late]), late));
  await allThere(t, place, [...before, late]);
  t.equal(readdirSync(path.join(disk.dir, 'gate/data/store/blobs')).filter((name) => name.endsWith('.part')).length, 0, 'nothing half is left');
});

t.test('the index: not a byte is left while everything goes on', { skip, timeout: 60_000 }, async (t) => {
  const place = await open(t);
  const { disk, running, caller } = place;
  const taken = make(40, SMALL_BYTES);
  for (let at = 0; at < taken.length; at += PER_BATCH) await caller.submit(CLIENT, taken.slice(at, at + PER_BATCH));
  disk.fill();
  const { store } = running.gateway.context;
  // Small values go to the index alone: its file has to grow for them.
  let fault: unknown;
  for (let i = 0; fault === undefined && i < 2000; i += 1) await store.putMeta(`value-${i}`, new Uint8Array(400)).catch((thrown: unknown) => (fault = thrown));
  t.match(fault, { code: 'STORE_FULL' }, 'a clear code');
  await allThere(t, place, taken);
  disk.relieve();
  const more = await takesAgain(t, place, SMALL_BYTES);
  await store.putMeta('afterwards', Uint8Array.of(1));
  t.same(Buffer.from((await store.getMeta('afterwards')) ?? []), Buffer.of(1), 'the index takes values again');
  await running.stop();
  const again = await startGateway(t, { key: GATE, dir: path.join(disk.dir, 'gate'), config });
  await allThere(t, { ...place, caller: new Caller(t, GATE, again.address.port) }, [...taken, more]);
});

t.test('starting: with no room for a store at all, and with no room for more', { skip, timeout: 60_000 }, async (t) => {
  const disk = SmallDisk.mount(t, DISK_MIB);
  const dir = path.join(disk.dir, 'gate');
  const made = await configFor(t, { key: GATE, dir, config });
  disk.fill();
  await t.rejects(runGateway(made, systemClock, systemRandom), { code: 'STORE_FULL' }, 'a clear code');
  disk.relieve();
  const first = await startGateway(t, { key: GATE, dir, config });
  const taken = make(PER_BATCH, SMALL_BYTES);
  await new Caller(t, GATE, first.address.port).submit(CLIENT, taken);
  await first.stop();
  disk.fill();
  const second = await runGateway(made, systemClock, systemRandom).catch((thrown: unknown) => thrown);
  if (second instanceof Error) {
    t.match(second, { code: 'STORE_FULL' }, 'a clear code');
  } else {
    const running = second as RunningGateway;
    const caller = new Caller(t, GATE, running.address.port);
    await allThere(t, { disk, running, caller }, taken);
    t.same(refusalsIn(await caller.submit(CLIENT, make(PER_BATCH, SMALL_BYTES))).slice(0, 1), ['full later']);
    await running.stop();
  }
  disk.relieve();
  const third = await startGateway(t, { key: GATE, dir, config });
  const place = { disk, running: third, caller: new Caller(t, GATE, third.address.port) };
  await allThere(t, place, taken);
  await takesAgain(t, place, SMALL_BYTES);
});
