import t from 'tap';
import { badSignature } from './faults.js';
import { signingKeyFromSeed } from './keys.js';
import { MAX_RECEIPT_RECORDS, decodeReceipt, makeReceipt, takenBitmap, takenRids, verifyReceipt } from './receipt.js';
import { runVectors } from './vectors.suite.js';

const NEAR = signingKeyFromSeed(new Uint8Array(32).fill(1));
const FAR = signingKeyFromSeed(new Uint8Array(32).fill(2));
const TIMES = { acceptedSec: 1_800_000_100, retainedUntilSec: 1_800_086_400 };

runVectors({
  object: 'receipt',
  decode(bytes) {
    const receipt = decodeReceipt(bytes);
    if (!verifyReceipt(receipt, FAR.publicKey)) throw badSignature('receipt');
    return receipt;
  },
  encode: (receipt) => makeReceipt(FAR, receipt).bytes,
  notWritten: '-ignorable',
});

function rids(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => new Uint8Array(32).fill(index));
}

t.test('verifies under the key of the gateway that gave it, and under no other', async (t) => {
  const receipt = makeReceipt(FAR, { taken: { form: 'rids', rids: rids(1) }, ...TIMES });
  t.ok(verifyReceipt(receipt, FAR.publicKey));
  t.notOk(verifyReceipt(receipt, NEAR.publicKey));
});

t.test('takes the rids that it lists, whatever was offered', async (t) => {
  const receipt = makeReceipt(FAR, { taken: { form: 'rids', rids: rids(3) }, ...TIMES });
  t.strictSame(takenRids(receipt), rids(3));
  t.strictSame(takenRids(receipt, rids(10)), rids(3));
});

t.test('takes all of a batch without a bitmap, and with one what its bits say', async (t) => {
  const root = new Uint8Array(32);
  const all = makeReceipt(FAR, { taken: { form: 'batch', root, count: 11 }, ...TIMES });
  t.strictSame(takenRids(all, rids(11)), rids(11));

  const flags = rids(11).map((_, index) => index % 3 === 0);
  const some = makeReceipt(FAR, { taken: { form: 'batch', root, count: 11, bitmap: takenBitmap(flags) }, ...TIMES });
  t.strictSame(takenRids(some, rids(11)), [0, 3, 6, 9].map((index) => rids(11)[index]));
});

t.test('takes nothing of a batch with another number of records', async (t) => {
  const receipt = makeReceipt(FAR, { taken: { form: 'batch', root: new Uint8Array(32), count: 2 }, ...TIMES });
  t.strictSame(takenRids(receipt, rids(3)), []);
  t.strictSame(takenRids(receipt), []);
});

t.test('can list every record of the largest batch', async (t) => {
  const most = Array.from({ length: MAX_RECEIPT_RECORDS }, () => new Uint8Array(32));
  const receipt = makeReceipt(FAR, { taken: { form: 'rids', rids: most }, ...TIMES, offerNonce: new Uint8Array(16) });
  t.equal(takenRids(decodeReceipt(receipt.bytes)).length, MAX_RECEIPT_RECORDS);
});
