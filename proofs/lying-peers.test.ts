/**
 * Peers that lie, to a gateway on real sockets with a real store: about sizes, hashes, counts, whom they offer to, what
 * they signed for. Each lie ends in a coded word or in silence, and what was there before is there afterwards.
 */
import t, { type Test } from 'tap';
import { concatBytes, toHex } from '../base/bytes.js';
import { readWhole } from '../base/http-exchange.js';
import { testBatch, testKey } from '../gateway/gateway.test-helper.js';
import type { TestMessage } from '../gateway/gateway.test-helper.js';
import type { RunningGateway } from '../gateway/main.js';
import type { RecordState } from '../store/store.js';
import { encodePieceHead } from '../wire/batch.js';
import { encodeCbor } from '../wire/cbor.js';
import { keyId } from '../wire/keys.js';
import { merkleRoot } from '../wire/merkle.js';
import { sha256Of } from '../wire/node-crypto.js';
import { makeOffer } from '../wire/offer.js';
import type { OfferFields } from '../wire/offer.js';
import { encodeOpening } from '../wire/opening.js';
import { encodeRanges } from '../wire/ranges.js';
import { makeReceipt } from '../wire/receipt.js';
import { makeRecord } from '../wire/record.js';
import type { TransitRecord } from '../wire/record.js';
import { encodeRefusal } from '../wire/refusal.js';
import { Caller, client, gather, messageNow, neighbour, startGateway, until } from './real-gateway.test-helper.js';

const GATE = testKey(1);
const CLIENT = testKey(2);
const EAST = testKey(3);
const WEST = testKey(4);
const STRANGER = testKey(5);
const LARGE_BYTES = 1_500_000;
/** Nobody listens there: what is routed to a neighbour stays. */
const DEAD_END = [{ kind: 'https', url: 'https://127.0.0.1:9', retry: { firstMs: 60_000, capMs: 60_000 } }];

interface Place {
  readonly running: RunningGateway;
  readonly caller: Caller;
  /** In custody before anything else happens. */
  readonly before: TestMessage;
  stateOf(message: TestMessage): Promise<RecordState | undefined>;
}

async function open(t: Test): Promise<Place> {
  const running = await startGateway(t, {
    key: GATE,
    config: {
      peers: [client('client', CLIENT), neighbour('east', EAST, DEAD_END), neighbour('west', WEST, DEAD_END)],
      routes: [
        { to: 'east.example', via: 'east' },
        { to: 'west.example', via: 'west' },
      ],
    },
  });
  const caller = new Caller(t, GATE, running.address.port);
  const before = messageNow(1, 'nowhere.example');
  await caller.submit(CLIENT, [before]);
  return { running, caller, before, stateOf: async (message) => (await running.gateway.context.store.find(message.record.rid))?.state };
}

/** Nothing came in, nothing was lost, and the next honest batch is taken. */
async function unharmed(t: Test, { running, caller, before, stateOf }: Place, records = 1): Promise<void> {
  const { store } = running.gateway.context;
  t.match(store.status(), { records, incoming: 0 });
  t.equal(await stateOf(before), 'held');
  t.same(await caller.fetch(before.messageId), before.blob);
  const after = messageNow(2, 'nowhere.example');
  t.equal((await caller.submit(CLIENT, [after])).controls[0]?.kind, 'receipt', 'and the next batch is taken');
}

/** A batch in which everything may be changed. */
function batch({ records, offer = {}, key = CLIENT, pieces = [], controls = [] }: { records: readonly TransitRecord[]; offer?: Partial<OfferFields>; key?: typeof CLIENT; pieces?: readonly Uint8Array[]; controls?: readonly Uint8Array[] }): Uint8Array {
  const items = [...records.map(({ bytes }) => bytes), ...controls];
  const { bytes } = makeOffer(key, {
    to: keyId(GATE.publicKey),
    root: merkleRoot(items),
    recordCount: records.length,
    blobBytes: records.reduce((sum, { blobBytes }) => sum + blobBytes, 0),
    sentSec: Math.floor(Date.now() / 1000),
    nonce: new Uint8Array(16),
    controlCount: controls.length,
    ...offer,
  });
  return concatBytes(bytes, ...items, ...pieces);
}

function piece(index: number, offset: number, bytes: Uint8Array): Uint8Array {
  return concatBytes(encodePieceHead(index, offset, bytes.length), bytes);
}

/** A piece whose head says whatever it likes. */
function rawPiece(index: number, offset: number, bytes: Uint8Array): Uint8Array {
  return encodeCbor([index, offset, bytes]);
}

const message = messageNow(10, 'nowhere.example', 1000);
const large = messageNow(11, 'nowhere.example', LARGE_BYTES);
const ten = makeRecord({ ...message.record, blobBytes: 10, blobHash: sha256Of(message.blob.subarray(0, 10)) });
const falseLarge = makeRecord({ ...large.record, blobHash: new Uint8Array(32).fill(1) });

/** The lie, the batch, and what it is answered: a status, and a code for a peer who signed. */
const LIES: readonly (readonly [name: string, bytes: Uint8Array, status: number, words: RegExp])[] = [
  ['says 10 bytes and sends 1000', batch({ records: [ten], pieces: [piece(0, 0, message.blob)] }), 400, /^WIRE_VALUE: /],
  ['says 10 bytes and goes on behind them', batch({ records: [ten], pieces: [piece(0, 0, message.blob.subarray(0, 10)), piece(0, 10, message.blob)] }), 400, /^WIRE_VALUE: /],
  ['stops in the middle of a piece', batch({ records: [message.record], pieces: [piece(0, 0, message.blob).subarray(0, 500)] }), 400, /^WIRE_TRUNCATED: /],
  ['sends other bytes than it names', batch({ records: [message.record], pieces: [piece(0, 0, message.blob.map((byte) => byte ^ 1))] }), 400, /^GATEWAY_BLOB_MISMATCH: /],
  ['names a record twice', batch({ records: [message.record, message.record], pieces: [piece(0, 0, message.blob)] }), 400, /^WIRE_/],
  ['sends a piece of record number 7 of 1', batch({ records: [message.record], pieces: [piece(7, 0, message.blob)] }), 400, /^WIRE_VALUE: /],
  ['sends a piece from beyond the end', batch({ records: [message.record], pieces: [rawPiece(0, 1000, message.blob)] }), 400, /^WIRE_VALUE: /],
  ['sends a piece at 2^53 - 1', batch({ records: [message.record], pieces: [rawPiece(0, Number.MAX_SAFE_INTEGER, message.blob)] }), 400, /^WIRE_VALUE: /],
  ['sends an empty piece', batch({ records: [message.record], pieces: [rawPiece(0, 0, new Uint8Array(0))] }), 400, /^WIRE_VALUE: /],
  ['sends garbage where a piece should be', batch({ records: [message.record], pieces: [new Uint8Array(100).fill(0xff)] }), 400, /^WIRE_/],
  ['offers two records and sends one', batch({ records: [message.record], offer: { recordCount: 2 } }), 400, /^WIRE_/],
  ['offers one record and sends two', batch({ records: [message.record, large.record], offer: { recordCount: 1 } }), 400, /^WIRE_/],
  ['offers fewer blob bytes than its records have', batch({ records: [message.record], offer: { blobBytes: 999 } }), 400, /^WIRE_/],
  ['offers more blob bytes than its records have', batch({ records: [message.record], offer: { blobBytes: 1001 } }), 400, /^WIRE_/],
  ['offers 2^53 - 1 records', batch({ records: [message.record], offer: { recordCount: Number.MAX_SAFE_INTEGER } }), 404, /^$/],
  ['signs for another list', batch({ records: [message.record], offer: { root: new Uint8Array(32) } }), 400, /^WIRE_/],
  ['offers to somebody else', batch({ records: [message.record], offer: { to: keyId(EAST.publicKey) } }), 404, /^$/],
  ['is a stranger', batch({ key: STRANGER, records: [message.record], pieces: [piece(0, 0, message.blob)] }), 404, /^$/],
  ['claims to be a peer without its key', altered(batch({ records: [message.record] }), 30), 404, /^$/],
  ['is nothing at all', new Uint8Array(0), 404, /^$/],
  ['is garbage', new Uint8Array(5000).fill(0x9f), 404, /^$/],
];

function altered(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, index) => (index === at ? byte ^ 0x40 : byte));
}

t.test('a batch that lies is refused whole, by code to a peer and by nothing to anybody else', async (t) => {
  const place = await open(t);
  for (const [name, bytes, status, words] of LIES) {
    const answer = await place.caller.post('/fmp/1/batch', bytes);
    t.equal(answer.status, status, `who ${name}`);
    t.match(Buffer.from(answer.body).toString(), words);
  }
  t.equal(await place.stateOf(message), undefined);
  await unharmed(t, place);
});

t.test('a blob that comes short is not taken, and what is missing is asked for', async (t) => {
  const place = await open(t);
  const { status, body } = await place.caller.post('/fmp/1/batch', batch({ records: [message.record], pieces: [piece(0, 0, message.blob.subarray(0, 400))] }));
  t.equal(status, 200);
  t.notOk(Buffer.from(body).includes(makeReceiptMark(message)), 'no receipt');
  t.equal(await place.stateOf(message), undefined);
  await unharmed(t, place);
});

/** A receipt names the record after a head of its own: its rid in a list. */
function makeReceiptMark({ record }: TestMessage): Buffer {
  return Buffer.concat([Buffer.of(0x81, 0x58, 0x20), record.rid]);
}

t.test('a large blob that is not what its record says is refused by code, and nothing of it stays', async (t) => {
  const place = await open(t);
  const pieces = [piece(0, 0, large.blob)];
  const lie = { ...large, record: falseLarge };
  const answer = await place.caller.submit(CLIENT, [lie]);
  t.match(answer.controls, [{ kind: 'refusal', code: 'blob-mismatch' }]);
  await unharmed(t, place);
  t.equal((await place.caller.post('/fmp/1/batch', batch({ records: [large.record], pieces }))).status, 200);
  t.equal(await place.stateOf(large), 'held', 'the true one is taken afterwards');
});

t.test('a batch played again changes nothing, whoever plays it', async (t) => {
  const place = await open(t);
  const bytes = await gather(testBatch(CLIENT, GATE, [message]));
  for (let time = 0; time < 3; time += 1) t.equal((await place.caller.post('/fmp/1/batch', bytes)).status, 200);
  t.match(place.running.gateway.context.store.status(), { records: 2 });
  await place.caller.open(message.retract);
  await until(async () => (await place.stateOf(message)) === 'retracted');
  await place.caller.post('/fmp/1/batch', bytes);
  t.equal(await place.stateOf(message), 'retracted', 'what was taken back does not come back');
  t.equal(await place.caller.fetch(message.messageId), undefined);
  await unharmed(t, place);
});

t.test('a receipt counts only from the neighbour whose turn it is, and only with its own signature', async (t) => {
  const place = await open(t);
  const { caller, stateOf } = place;
  const eastbound = messageNow(20, 'east.example');
  await caller.submit(CLIENT, [eastbound]);
  const receipt = (key: typeof CLIENT, { record }: TestMessage): Uint8Array =>
    makeReceipt(key, { taken: { form: 'rids', rids: [record.rid] }, acceptedSec: 1, retainedUntilSec: record.expirySec }).bytes;
  for (const [who, from, bytes] of [
    ['another neighbour', WEST, receipt(WEST, eastbound)],
    ['the client who gave it to us', CLIENT, receipt(CLIENT, eastbound)],
    ['another neighbour, with a receipt of the right one', WEST, receipt(EAST, eastbound)],
    ['the right neighbour, with a receipt of another one', EAST, receipt(WEST, eastbound)],
    ['the right neighbour, with a broken signature', EAST, altered(receipt(EAST, eastbound), receipt(EAST, eastbound).length - 1)],
    ['the right neighbour, for another record', EAST, receipt(EAST, message)],
    ['the right neighbour, for a record that was never offered to it', EAST, receipt(EAST, place.before)],
  ] as const) {
    await caller.submit(from, [], [bytes]);
    t.equal(await stateOf(eastbound), 'held', who);
    t.equal(await stateOf(place.before), 'held', who);
  }
  await caller.submit(EAST, [], [receipt(EAST, eastbound)]);
  t.equal(await stateOf(eastbound), 'forwarded', 'the true one counts');
  await unharmed(t, place);
});

t.test('an opening with a wrong secret opens nothing, from a peer or from anybody', async (t) => {
  const place = await open(t);
  const { caller, before, stateOf } = place;
  const wrong = [
    { ...before.retract, secret: before.accept.secret },
    { ...before.accept, secret: before.retract.secret },
    { ...before.retract, secret: new Uint8Array(16) },
    { ...before.retract, locator: message.retract.locator },
    { ...message.retract, locator: before.retract.locator },
  ];
  for (const opening of wrong) {
    await caller.submit(EAST, [], [encodeOpening(opening)]);
    await caller.open(opening);
  }
  await caller.post('/fmp/1/opening', new Uint8Array(3000).fill(0xa3));
  await place.running.gateway.idle();
  t.equal(await stateOf(before), 'held');
  await unharmed(t, place);
});

t.test('nobody gets ranges of a record that is on its way to another peer', async (t) => {
  const place = await open(t);
  const { caller, running } = place;
  const eastbound = messageNow(21, 'east.example');
  await caller.submit(CLIENT, [eastbound]);
  const want = encodeRanges({ kind: 'want', rid: eastbound.record.rid, ranges: [[0, 1000]] });
  const whole = encodeRanges({ kind: 'want', rid: place.before.record.rid, ranges: [[0, 1000]] });
  for (const from of [WEST, CLIENT]) {
    const { controls, records } = await caller.submit(from, [], [want, whole]);
    t.same([controls, records], [[], []]);
  }
  t.same(running.gateway.forwarders().map(({ peer }) => peer.name), ['east', 'west']);
  await unharmed(t, place, 2);
});

t.test('a refusal puts a record off for hours at most, whatever it says', async (t) => {
  const place = await open(t);
  const { caller, running } = place;
  const { store } = running.gateway.context;
  const eastbound = messageNow(22, 'east.example');
  await caller.submit(CLIENT, [eastbound]);
  // A first word of a neighbour who was away makes all that waits for it due, for once.
  await until(() => running.gateway.forwarders()[0]?.lanes[0]?.isBackingOff === true);
  await caller.submit(EAST, []);
  for (const retryAfterSec of [Number.MAX_SAFE_INTEGER, 2 ** 40, 0]) {
    await caller.submit(EAST, [], [encodeRefusal({ rid: eastbound.record.rid, code: 'quota', retryAfterSec })]);
    const dueMs = (await store.find(eastbound.record.rid))?.schedule?.dueMs ?? Infinity;
    t.ok(dueMs <= Date.now() + 25 * 3_600_000, `${retryAfterSec} s became ${dueMs - Date.now()} ms`);
  }
  await caller.submit(WEST, [], [encodeRefusal({ rid: place.before.record.rid, code: 'expired', retryAfterSec: 86_000 })]);
  t.equal((await store.find(place.before.record.rid))?.schedule?.attempts, 0, 'who was not asked cannot refuse');
  await unharmed(t, place, 2);
});

t.test('a second record under the id of another hides neither of the two', async (t) => {
  const place = await open(t);
  const { caller } = place;
  const genuine = messageNow(40, 'nowhere.example');
  // Whoever has the locator can make as many as it takes to come first.
  const poisons = Array.from({ length: 4 }, (_, index) => {
    const { blob } = messageNow(50 + index, 'nowhere.example');
    return { ...genuine, blob, record: makeRecord({ ...genuine.record, blobHash: sha256Of(blob), retractCommitment: new Uint8Array(16) }) };
  });
  await caller.submit(CLIENT, [genuine]);
  await caller.submit(WEST, poisons);
  const tag = (blob: Uint8Array): string => `"${toHex(sha256Of(blob))}"`;
  const fetched = async (headers: Record<string, string>): Promise<Buffer> => Buffer.from(await readWhole(await caller.get(genuine.messageId, headers)));
  t.same(await fetched({ 'if-match': tag(genuine.blob) }), Buffer.from(genuine.blob), 'by its tag');
  t.same(await fetched({ 'if-none-match': poisons.map(({ blob }) => tag(blob)).join(', ') }), Buffer.from(genuine.blob), 'or by ruling out what was found to be false');
  t.same(await fetched({ 'if-range': tag(genuine.blob), range: 'bytes=10-19' }), Buffer.from(genuine.blob.subarray(10, 20)), 'and in parts');
  await caller.open(genuine.retract);
  await until(async () => (await place.stateOf(genuine)) === 'retracted');
  for (const poison of poisons) t.equal(await place.stateOf(poison), 'held', 'an opening opens what it was made for');
});
