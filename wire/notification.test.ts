import t from 'tap';
import { seededRandom } from '../base/random.js';
import { MAX_BASE_URL_BYTES } from './base-url.js';
import { encodeCbor } from './cbor.js';
import { badSignature } from './faults.js';
import { datagramIsFor, DATAGRAM_BYTES, decodeInner, decodeOuter, encodeInner, makeOuter, MAX_SEALED_INNER_BYTES, verifyOuter } from './notification.js';
import type { OuterFields } from './notification.js';
import { openInner, openNotifyDatagram } from './open.js';
import { recipientHash } from './recipient-hash.js';
import { sealInner, sealNotifyDatagram } from './seal.js';
import { ADA_KEM, BOB_KEM, filled, GATEWAY, SOUTH, SOUTH_KEM } from './sealed-test-helper.js';
import { runVectors } from './vectors.suite.js';

runVectors({ object: 'inner-notification', decode: (bytes) => decodeInner(bytes), encode: encodeInner, notWritten: '-ignorable' });

runVectors({
  object: 'outer-notification',
  decode(bytes) {
    const outer = decodeOuter(bytes, 'south.example');
    if (!verifyOuter(outer, GATEWAY.publicKey)) throw badSignature('outer');
    return outer;
  },
  encode: (outer) => makeOuter(GATEWAY, outer).bytes,
  notWritten: '-ignorable',
});

const random = seededRandom(3);
const inner = { recipientHash: recipientHash(ADA_KEM.publicKey, BOB_KEM.publicKey, 'south.example'), messageId: random.bytes(24), expirySec: 1_800_003_600 };

function knock(fields: Partial<OuterFields> = {}): Uint8Array {
  const sealedInner = sealInner(SOUTH_KEM.publicKey, 'south.example', inner, random.bytes(32));
  const outer = { destination: 'south.example', holder: 'https://gateway.example:7443', sentSec: 1_800_000_000, sealedInner, ...fields };
  return sealNotifyDatagram(SOUTH_KEM.publicKey, GATEWAY, outer, random.bytes(32));
}

t.test('a knock says to the domain who holds what for whom', async (t) => {
  const outer = openNotifyDatagram(SOUTH_KEM, 'south.example', knock());
  t.ok(verifyOuter(outer, GATEWAY.publicKey));
  t.notOk(verifyOuter(outer, SOUTH.publicKey));
  t.equal(outer.holder, 'https://gateway.example:7443');
  t.strictSame(openInner(SOUTH_KEM, 'south.example', outer.sealedInner), inner);
});

t.test('every knock has 512 bytes, whatever is in it', async (t) => {
  for (const holder of ['http://a', `https://${'a'.repeat(MAX_BASE_URL_BYTES - 8)}`]) {
    for (const innerBytes of [48, 109, MAX_SEALED_INNER_BYTES]) {
      for (const sentSec of [0, 2 ** 40]) t.equal(knock({ holder, sentSec, sealedInner: filled(1, innerBytes) }).length, DATAGRAM_BYTES);
    }
  }
  t.throws(() => knock({ sealedInner: filled(1, MAX_SEALED_INNER_BYTES + 1) }), { code: 'WIRE_VALUE' });
  t.throws(() => knock({ holder: `https://${'a'.repeat(MAX_BASE_URL_BYTES)}` }), { code: 'WIRE_VALUE' });
});

t.test('nothing of a knock is the same in the next one, but type and key id', async (t) => {
  const [first, second] = [knock(), knock()];
  t.same(first.subarray(0, 9), second.subarray(0, 9));
  let equal = 0;
  for (let at = 9; at < DATAGRAM_BYTES; at += 1) if (first[at] === second[at]) equal += 1;
  t.ok(equal < 20, `${equal} bytes equal by chance`);
});

t.test('the mark of a datagram is checked without opening it', async (t) => {
  const datagram = knock();
  t.ok(datagramIsFor(SOUTH_KEM.publicKey, datagram));
  t.notOk(datagramIsFor(BOB_KEM.publicKey, datagram));
  t.notOk(datagramIsFor(SOUTH_KEM.publicKey, datagram.subarray(1)));
  t.notOk(datagramIsFor(SOUTH_KEM.publicKey, new Uint8Array(DATAGRAM_BYTES)));
  t.notOk(datagramIsFor(SOUTH_KEM.publicKey, random.bytes(DATAGRAM_BYTES)));
  for (let at = 0; at < DATAGRAM_BYTES; at += 1) {
    const changed = Uint8Array.from(datagram);
    changed[at]! ^= 0x04;
    if (datagramIsFor(SOUTH_KEM.publicKey, changed)) t.fail(`byte ${at} is not covered`);
  }
});

t.test('a datagram without the mark never reaches the curve', async (t) => {
  const untouched = {
    ...SOUTH_KEM,
    agree: (): never => {
      throw new Error('X25519 was computed');
    },
  };
  for (const datagram of [new Uint8Array(0), filled(17, DATAGRAM_BYTES), random.bytes(DATAGRAM_BYTES), knock().subarray(1), knock().map((byte, at) => (at === 500 ? byte ^ 1 : byte))]) {
    t.throws(() => openNotifyDatagram(untouched, 'south.example', datagram), { code: 'WIRE_SEAL' });
  }
  t.throws(() => openNotifyDatagram(untouched, 'south.example', knock()), /X25519 was computed/);
});

t.test('an inner notification is for one domain', async (t) => {
  const sealed = sealInner(SOUTH_KEM.publicKey, 'south.example', inner, random.bytes(32));
  t.equal(sealed.length, 109);
  t.throws(() => openInner(SOUTH_KEM, 'north.example', sealed), { code: 'WIRE_SEAL' });
  t.throws(() => openInner(BOB_KEM, 'south.example', sealed), { code: 'WIRE_SEAL' });
});

t.test('the bytes of an outer notification that is made are the ones that are read', async (t) => {
  const outer = openNotifyDatagram(SOUTH_KEM, 'south.example', knock());
  t.strictSame(decodeOuter(outer.bytes, 'south.example'), outer);
  t.throws(() => decodeOuter(encodeCbor(new Map()), 'south.example'), { code: 'WIRE_VALUE', data: { path: 'notification/outer/holder' } });
});
