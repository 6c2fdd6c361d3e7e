import t from 'tap';
import { readSpecVectors } from '../scripts/spec-vectors.js';
import { decodeControl, encodeControl } from './control.js';
import { runVectors } from './vectors.suite.js';

runVectors({ object: 'control', decode: decodeControl, encode: encodeControl });

t.test('every control keeps the bytes it was read from', async (t) => {
  for (const { name, expect, bytes } of readSpecVectors('control')) {
    if (expect === 'ok') t.equal(decodeControl(bytes).bytes, bytes, name);
  }
});

t.test('the kind of a control is the one that its type says', async (t) => {
  const kinds = readSpecVectors('control').filter(({ expect }) => expect === 'ok');
  t.strictSame(kinds.map(({ bytes }) => `control-${decodeControl(bytes).kind}`), kinds.map(({ name }) => name));
});
