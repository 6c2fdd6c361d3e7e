/** Whatever arrives in place of a signed or sealed object, its reader gives a value or a coded error. */
import fc from 'fast-check';
import t from 'tap';
import { isPosternError } from '../base/errors.js';
import { readSpecVectors } from '../scripts/spec-vectors.js';
import { decodeBlobHead } from './blob-head.js';
import { hostileBytes } from './cbor-test-helper.js';
import { decodeDomainRecord } from './domain-record.js';
import { decodeEnvelope } from './envelope.js';
import { decodeKeyRecord } from './key-record.js';
import { decodeInner, decodeOuter, decodePaddedOuter } from './notification.js';
import { sha256Of } from './node-crypto.js';
import { openContentKey, openEnvelope, openInner, openNotifyDatagram, PayloadOpener } from './open.js';
import { BOB_KEM, CONTENT_KEY, SOUTH_KEM } from './sealed-test-helper.js';

function openPayload(bytes: Uint8Array): void {
  const opener = new PayloadOpener(CONTENT_KEY, { contentBytes: 15, payloadBytes: bytes.length, payloadHash: sha256Of(bytes) });
  opener.push(bytes);
  opener.finish();
}

const READERS: [name: string, object: string, read: (bytes: Uint8Array) => unknown][] = [
  ['an inner notification', 'inner-notification', (bytes) => decodeInner(bytes)],
  ['an outer notification', 'outer-notification', (bytes) => decodeOuter(bytes, 'south.example')],
  ['a padded outer notification', 'outer-notification', (bytes) => decodePaddedOuter(bytes, 'south.example')],
  ['an envelope', 'envelope', (bytes) => decodeEnvelope(bytes)],
  ['a domain record', 'domain-record', (bytes) => decodeDomainRecord(bytes)],
  ['a key record', 'key-record', (bytes) => decodeKeyRecord(bytes)],
  ['the head of a blob', 'blob-head', (bytes) => decodeBlobHead(bytes)],
  ['a datagram', 'datagram', (bytes) => openNotifyDatagram(SOUTH_KEM, 'south.example', bytes)],
  ['a sealed envelope', 'sealed-envelope', (bytes) => openEnvelope(SOUTH_KEM, 'south.example', bytes)],
  ['a sealed inner notification', 'sealed-envelope', (bytes) => openInner(SOUTH_KEM, 'south.example', bytes)],
  ['a content key', 'sealed-envelope', (bytes) => openContentKey(BOB_KEM, 'bob@south.example', bytes)],
  ['a payload', 'payload', openPayload],
];

for (const [name, object, read] of READERS) {
  t.test(`whatever comes in place of ${name}, there is a value or a coded error`, async (t) => {
    const good = readSpecVectors(object).filter(({ expect }) => expect === 'ok');
    const bytes = hostileBytes(fc.constantFrom(...good.map((vector) => vector.bytes)));
    fc.assert(
      fc.property(bytes, (hostile) => {
        try {
          read(hostile);
        } catch (thrown) {
          if (!isPosternError(thrown)) throw thrown;
        }
      }),
      { numRuns: 300 },
    );
    t.pass();
  });
}
