import assert from 'node:assert/strict';
import * as cborg from 'cborg';
import fc from 'fast-check';
import t from 'tap';
import { equalBytes, fromHex } from '../base/bytes.js';
import { BlockReader } from './block-reader.js';
import { BlockWriter } from './block-writer.js';
import { hasFlag, INDEFINITE, joinUint32s } from './bundle-cbor.js';
import type { Uint64 } from './bundle-cbor.js';

/** Both sides of every width of a head, and of what a number can hold. */
const EDGES: Uint64[] = [
  0, 23, 24, 0xff, 0x100, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER, 2n ** 53n, 2n ** 63n, 0xffff_ffff_ffff_ffffn,
];

function written(write: (writer: BlockWriter) => void): Uint8Array {
  const writer = new BlockWriter(0);
  write(writer);
  return writer.written();
}

function reader(hex: string): BlockReader {
  return new BlockReader(fromHex(hex)!);
}

t.test('writes integers of every width as cborg does, and reads them back', async t => {
  for (const value of EDGES) {
    const bytes = written(writer => writer.uint(value));
    t.ok(equalBytes(bytes, cborg.encode(value)), `${value} written`);
    t.equal(new BlockReader(bytes).uint('value'), value, `${value} read`);
  }
});

t.test('writes strings and arrays as cborg does, and reads them back', async () => {
  const visible = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map(code => String.fromCharCode(code)), minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), visible, fc.nat(23), (content, text, start) => {
      const bytes = written(writer => {
        for (let i = 0; i < start; i += 1) writer.break();
        writer.array(2);
        writer.byteStringHead(content.length);
        writer.raw(content);
        writer.asciiText(text);
      }).subarray(start);
      assert(equalBytes(bytes, cborg.encode([content, text])));
      const back = new BlockReader(bytes);
      const count = back.arrayOf(2, 'pair');
      const length = back.skipByteString('bytes');
      assert(equalBytes(back.view(back.offset - length, back.offset), content));
      assert.equal(back.visibleText(400, 'text'), text);
      back.endArray(count, 'pair');
      back.finish('pair');
    }),
  );
});

t.test('puts the right head before a byte string whose length shows only at its end', async t => {
  for (const length of [0, 1, 7, 8, 9, 23, 24, 255, 256, 1000, 65_535, 65_536]) {
    const content = new Uint8Array(length).map((_, i) => i);
    const bytes = written(writer => {
      writer.array(1);
      const start = writer.beginByteString();
      for (let at = 0; at < length; at += 100) writer.raw(content.subarray(at, at + 100));
      writer.endByteString(start);
    });
    t.ok(equalBytes(bytes, cborg.encode([content])), `${length} bytes`);
  }
});

t.test('reads a number out of a byte string of the right width only', async t => {
  t.equal(reader('42fffe').bigEndianByteString(2, 'x'), 0xfffe);
  t.equal(reader('44fffefdfc').bigEndianByteString(4, 'x'), 0xfffefdfc);
  t.throws(() => reader('42fffe').bigEndianByteString(4, 'x'), { code: 'WIRE_VALUE', data: { offset: 0 } });
  t.throws(() => reader('44fffefd').bigEndianByteString(4, 'x'), { code: 'WIRE_TRUNCATED' });
});

t.test('reads text that can be shown, and no other', async t => {
  t.equal(reader('632f2f61').visibleText(3, 'x'), '//a');
  t.throws(() => reader('632f2f61').visibleText(2, 'x'), { code: 'WIRE_VALUE' }, 'too long');
  t.throws(() => reader('60').visibleText(2, 'x'), { code: 'WIRE_VALUE' }, 'empty');
  for (const hex of ['6120', '610a', '611b', '617f', '6180', '62c3a4']) t.throws(() => reader(hex).visibleText(9, 'x'), { code: 'WIRE_VALUE' }, hex);
});

t.test('stays within the stretch it was given', async t => {
  const bytes = fromHex('82181e00')!;
  t.throws(() => new BlockReader(bytes, 1, 2).uint('x'), { code: 'WIRE_TRUNCATED' });
  t.throws(() => new BlockReader(bytes, 3, 3).uint('x'), { code: 'WIRE_TRUNCATED' });
  t.throws(() => new BlockReader(fromHex('430102ff')!, 0, 3).skipByteString('x'), { code: 'WIRE_TRUNCATED' });
  t.notOk(new BlockReader(fromHex('ff')!, 0, 0).atBreak());
});

t.test('refuses every head that is longer than it need be', async t => {
  for (const hex of ['1800', '1817', '190000', '1900ff', '1a00000000', '1a0000ffff', '1b0000000000000000', '1b00000000ffffffff']) {
    t.throws(() => reader(hex).uint('x'), { code: 'WIRE_NOT_DETERMINISTIC', data: { path: 'x', offset: 0 } }, hex);
  }
  t.throws(() => reader('5800').skipByteString('x'), { code: 'WIRE_NOT_DETERMINISTIC' });
  t.throws(() => reader('7800').visibleText(9, 'x'), { code: 'WIRE_NOT_DETERMINISTIC' });
  t.throws(() => reader('9800').array('x'), { code: 'WIRE_NOT_DETERMINISTIC' });
});

t.test('names what it finds in the place of something else', async t => {
  const found: [hex: string, name: string][] = [
    ['20', 'a negative integer'], ['40', 'a byte string'], ['5f', 'a byte string of indefinite length'], ['60', 'text'], ['80', 'an array'], ['9f', 'an array of indefinite length'],
    ['a0', 'a map'], ['c0', 'a tag'], ['f4', 'a simple value'], ['fb', 'a simple value'], ['ff', 'the end of an array'], ['1c', 'the reserved head 0x1c'], ['1f', 'an unsigned integer of indefinite length'],
  ];
  for (const [hex, name] of found) t.throws(() => reader(hex).uint('x'), { code: 'WIRE_TYPE', data: { found: name, expected: 'an unsigned integer' } }, hex);
  t.throws(() => reader('01').boolean('x'), { code: 'WIRE_TYPE', data: { expected: 'true or false' } });
  t.throws(() => reader('5f').skipByteString('x'), { code: 'WIRE_TYPE', data: { expected: 'a byte string of definite length' } });
});

t.test('never reads past the end', async t => {
  for (const hex of ['', '18', '1901', '1a010000', '1b01000000000000']) t.throws(() => reader(hex).uint('x'), { code: 'WIRE_TRUNCATED' }, `"${hex}"`);
  for (const hex of ['41', '5bffffffffffffffff', '5a00010000', '4200']) t.throws(() => reader(hex).skipByteString('x'), { code: 'WIRE_TRUNCATED' }, hex);
  t.throws(() => reader('').boolean('x'), { code: 'WIRE_TRUNCATED' });
  t.throws(() => reader('').array('x'), { code: 'WIRE_TRUNCATED' });
  t.throws(() => reader('9f').endArray(INDEFINITE, 'x'), { code: 'WIRE_TYPE' });
  t.throws(() => reader('00').finish('x'), { code: 'WIRE_TRAILING', data: { offset: 0 } });
});

t.test('ends an array of indefinite length where its break stands', async t => {
  const items = reader('9f01ff');
  const count = items.arrayOf(1, 'x');
  t.equal(count, INDEFINITE);
  t.ok(items.atUint());
  items.uint('x');
  t.notOk(items.atUint());
  items.endArray(count, 'x');
  items.finish('x');
  t.throws(() => reader('9f0102ff').endArray(reader('9f').array('x'), 'x'), { code: 'WIRE_TYPE' });
});

t.test('sees a flag in a word of any width', async t => {
  t.ok(hasFlag(0x14, 0x10));
  t.notOk(hasFlag(0x14, 0x08));
  t.ok(hasFlag(2 ** 40 + 4, 4));
  t.ok(hasFlag(0xffff_ffff_ffff_ffffn, 0x10));
  t.notOk(hasFlag(0xffff_ffff_ffff_ffefn, 0x10));
});

t.test('joins halves to a number as long as a number is exact', async t => {
  t.equal(joinUint32s(0n, 5n), 5);
  t.equal(joinUint32s(0x1f_ffffn, 0xffff_ffffn), Number.MAX_SAFE_INTEGER);
  t.equal(joinUint32s(0x20_0000n, 0n), 2n ** 53n);
});
