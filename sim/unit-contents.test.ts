import t from 'tap';
import { concatBytes, toHex } from '../base/bytes.js';
import { encodeBatchHead, encodePieceHead } from '../wire/batch.js';
import { encodeBundle, makeBatchBundle } from '../wire/bundle.js';
import { parseEid } from '../wire/eid.js';
import type { Eid } from '../wire/eid.js';
import { keyId, signingKeyFromSeed } from '../wire/keys.js';
import { encodeOpening } from '../wire/opening.js';
import { encodeRanges } from '../wire/ranges.js';
import { makeReceipt } from '../wire/receipt.js';
import { encodeRefusal } from '../wire/refusal.js';
import { makeMessage } from './message.js';
import type { Message } from './message.js';
import { Streams } from './streams.js';
import { contentsOf } from './unit-contents.js';
import { WayLedger } from './way-ledger.js';

const KEY = signingKeyFromSeed(new Uint8Array(32).fill(1));
const streams = new Streams(1);
const messages = [0, 1].map((number) => makeMessage({ number, from: 'a.example', to: 'b.example', blobBytes: 5000 + number, createdUs: 0, startMs: Date.UTC(2026, 0, 1), lifetimeUs: 86_400e6 }, streams.named(`message/${number}`)));
const records = messages.map(({ record }) => record);
const [first, second] = messages as [Message, Message];
const receipt = makeReceipt(KEY, { taken: { form: 'rids', rids: [first.record.rid] }, acceptedSec: 1, retainedUntilSec: 2 });
const controls = {
  receipts: receipt.bytes,
  openings: encodeOpening(first.retract),
  wants: encodeRanges({ kind: 'want', rid: second.record.rid, ranges: [[0, 100]] }),
  refusals: encodeRefusal({ rid: second.record.rid, code: 'full', retryAfterSec: 60 }),
};

function bundleOf(pieces: readonly { index: number; offset: number; bytes: number }[]): Uint8Array {
  const head = encodeBatchHead({ key: KEY, to: keyId(KEY.publicKey), records, controls: Object.values(controls), sentSec: 1, nonce: new Uint8Array(16) });
  const batch = concatBytes(head, ...pieces.flatMap(({ index, offset, bytes }) => [encodePieceHead(index, offset, bytes), new Uint8Array(bytes)]));
  const [source, destination, previousNode] = ['dtn://a/', 'dtn://b/', 'dtn://c/'].map(parseEid) as [Eid, Eid, Eid];
  return encodeBundle(makeBatchBundle({ source, destination, previousNode, createdDtnMs: 0, sequence: 1, lifetimeMs: 1000, hopLimit: 9, payload: batch }));
}

t.test('what is in a unit is found, each kind with its bytes', async (t) => {
  const contents = contentsOf(bundleOf([{ index: 0, offset: 0, bytes: 5000 }, { index: 1, offset: 1000, bytes: 300 }]));
  t.same(contents.records, messages.map(({ rid, record }) => ({ rid, bytes: record.bytes.length })));
  t.same(contents.controls, Object.fromEntries(Object.entries(controls).map(([kind, bytes]) => [kind, bytes.length])));
  t.same(contents.pieces, [{ rid: toHex(first.record.rid), offset: 0, bytes: 5000 }, { rid: toHex(second.record.rid), offset: 1000, bytes: 300 }]);
});

t.test('what is no bundle is all framing', async (t) => {
  t.same(contentsOf(new Uint8Array([1, 2, 3])).records, []);
  t.same(contentsOf(new Uint8Array([0x9f, 0xff])).pieces, []);
});

t.test('what goes over a way again is counted as sent again, and every byte has one cause', async (t) => {
  const ledger = new WayLedger({ perMegabyte: 10, perMinute: 0, perSession: 0.5, minimum: 0, stepBytes: 1 });
  const window = { startUs: 0, endUs: 1e9 };
  const send = (pieces: Parameters<typeof bundleOf>[0]): number => {
    const bytes = bundleOf(pieces);
    ledger.left({ bytes, leftUs: 1e6, busyUs: 2e6, window, arrivesUs: undefined }, contentsOf(bytes));
    return bytes.length;
  };
  const recordBytes = records.reduce((sum: number, { bytes }) => sum + bytes.length, 0);
  let sentBytes = send([{ index: 0, offset: 0, bytes: 4000 }]);
  t.match(ledger.causes, { payload: 4000, records: recordBytes, again: 0 });
  sentBytes += send([{ index: 0, offset: 3000, bytes: 2000 }, { index: 1, offset: 0, bytes: 10 }]);
  t.match(ledger.causes, { payload: 5010, records: recordBytes, again: recordBytes + 1000 });
  t.equal(Object.values(ledger.causes as unknown as Record<string, number>).reduce((sum, bytes) => sum + bytes, 0), sentBytes);
  t.same([...ledger.contacts.values()], [{ ...window, units: 2, bytes: sentBytes, busyUs: 4e6 }]);
  t.equal(Math.round(ledger.money * 1e4), Math.round((sentBytes / 1e6) * 10 * 1e4) + 1e4, 'ten for a megabyte, a half for a session');
});
