import t from 'tap';
import { concatBytes } from '../base/bytes.js';
import { decodeBlobHead, encodeBlobHead, MAX_BLOB_HEAD_BYTES } from './blob-head.js';
import { truncated } from './faults.js';
import { filled } from './sealed-test-helper.js';
import { runVectors } from './vectors.suite.js';

runVectors({
  object: 'blob-head',
  decode(bytes) {
    const head = decodeBlobHead(bytes);
    if (head === undefined) throw truncated('blob', bytes.length);
    return head;
  },
  encode: ({ sealedEnvelope }) => encodeBlobHead(sealedEnvelope),
});

t.test('the payload begins where the head ends', async (t) => {
  const head = encodeBlobHead(filled(0x55, 100));
  t.same(decodeBlobHead(concatBytes(head, filled(0x66, 10))), { sealedEnvelope: filled(0x55, 100), payloadOffset: head.length });
  t.equal(decodeBlobHead(head.subarray(0, head.length - 1)), undefined);
});

t.test('so many bytes as the longest head are always enough to tell', async (t) => {
  const longest = encodeBlobHead(filled(0x55, MAX_BLOB_HEAD_BYTES - 4));
  t.equal(longest.length, MAX_BLOB_HEAD_BYTES);
  t.equal(decodeBlobHead(longest)?.payloadOffset, MAX_BLOB_HEAD_BYTES);
  t.throws(() => decodeBlobHead(encodeBlobHead(filled(0x55, MAX_BLOB_HEAD_BYTES - 3))), { code: 'WIRE_LIMIT' });
});
