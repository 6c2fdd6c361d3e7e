import t from 'tap';
import { toHex } from '../base/bytes.js';
import { BATCH_LIMITS, encodeBatchHead, encodePieceHead } from './batch.js';
import { encodeCbor } from './cbor.js';
import { signingKeyFromSeed } from './keys.js';

const HEAD = { key: signingKeyFromSeed(new Uint8Array(32).fill(1)), to: new Uint8Array(8), records: [], sentSec: 0, nonce: new Uint8Array(16) };

t.test('a piece is the array that its head and its bytes make together', async (t) => {
  for (const [index, offset, length] of [[0, 0, 1], [4095, 2 ** 40, 24], [7, 4096, 65536]] as const) {
    const bytes = new Uint8Array(length);
    t.equal(toHex(encodePieceHead(index, offset, length)) + toHex(bytes), toHex(encodeCbor([index, offset, bytes])));
  }
});

t.test('writes nothing beyond what a reader takes', async (t) => {
  t.throws(() => encodePieceHead(0, 0, 0), { code: 'ERR_ASSERTION' });
  t.throws(() => encodePieceHead(0, 0, BATCH_LIMITS.pieceBytes + 1), { code: 'ERR_ASSERTION' });
  const control = encodeCbor(0);
  t.ok(encodeBatchHead({ ...HEAD, controls: Array.from({ length: BATCH_LIMITS.controls }, () => control) }));
  t.throws(() => encodeBatchHead({ ...HEAD, controls: Array.from({ length: BATCH_LIMITS.controls + 1 }, () => control) }), { code: 'ERR_ASSERTION' });
  t.throws(() => encodeBatchHead({ ...HEAD, controls: [new Uint8Array(BATCH_LIMITS.headBytes)] }), { code: 'ERR_ASSERTION' });
});
