import fc from 'fast-check';
import t from 'tap';
import { utf8 } from '../base/bytes.js';
import { CRC_OF_NOTHING, crc16X25, crc32c } from './crc.js';

/** One bit at a time, straight from the polynomial: slow, and nothing in common with the tables. */
function bitwise(bytes: Uint8Array, polynomial: number, ones: number): number {
  let crc = ones;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
  }
  return (crc ^ ones) >>> 0;
}

t.test('gives the published values', async t => {
  const cases = [
    { text: '', crc16: 0, crc32: 0 },
    { text: '123456789', crc16: 0x906e, crc32: 0xe3069283 },
    { text: 'TheQuickBrownFoxJumpsOverTheLazyDog.', crc16: 0x2870, crc32: 0xae76df21 },
    { text: 'Short', crc16: 0x62b8, crc32: 0x7b6be32c },
    { text: 'Length08', crc16: 0x46f5, crc32: 0x73c00cf6 },
  ];
  for (const { text, crc16, crc32 } of cases) {
    t.equal(crc16X25(utf8(text)), crc16, `CRC-16 of "${text}"`);
    t.equal(crc32c(utf8(text)), crc32, `CRC-32C of "${text}"`);
  }
});

t.test('gives the CRC-32C examples of RFC 7143 A.4', async t => {
  t.equal(crc32c(new Uint8Array(32)), 0x8a9136aa, '32 bytes of zeros');
  t.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43, '32 bytes of ones');
  t.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e, 'counting up');
  t.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c, 'counting down');
});

t.test('agrees with the bitwise definition at every length and alignment', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(7), (bytes, skip) => {
      const view = bytes.subarray(Math.min(skip, bytes.length));
      return crc32c(view) === bitwise(view, 0x82f63b78, 0xffffffff) && crc16X25(view) === bitwise(view, 0x8408, 0xffff);
    }),
  );
});

t.test('sums parts to the value of the whole', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, at) => {
      const first = bytes.subarray(0, at);
      const second = bytes.subarray(at);
      return (
        crc32c(second, crc32c(first, CRC_OF_NOTHING)) === crc32c(bytes) &&
        crc16X25(second, crc16X25(first, CRC_OF_NOTHING)) === crc16X25(bytes)
      );
    }),
  );
});
