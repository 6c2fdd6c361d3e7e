/** Arbitrary values and hostile bytes for the property tests of wire/. */
import fc from 'fast-check';
import { concatBytes } from '../base/bytes.js';
import type { CborValue } from './cbor.js';

/** Any value of the profile, a few levels deep. Integers crowd around the ends of each head length. */
export function cborValues(): fc.Arbitrary<CborValue> {
  const integers = fc.oneof(
    fc.maxSafeInteger(),
    fc.constantFrom(0, 23, 24, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER),
    fc.constantFrom(-1, -24, -25, -256, -257, -65536, -65537, -(2 ** 32), -(2 ** 32) - 1, Number.MIN_SAFE_INTEGER),
  );
  const bigints = fc.oneof(fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }), fc.bigInt({ min: -(2n ** 64n), max: -(2n ** 53n) }));
  const texts = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 80 })).filter((text) => !text.startsWith('\ufeff'));
  const keys = fc.oneof(fc.integer({ min: -300, max: 300 }), integers.filter(isSmallKey), texts);
  const { value } = fc.letrec<{ value: CborValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      integers,
      bigints,
      texts,
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array({ maxLength: 300 }),
      fc.array(tie('value'), { maxLength: 8 }),
      fc.array(fc.tuple(keys, tie('value')), { maxLength: 8 }).map((entries) => new Map(entries)),
    ),
  }));
  return value;
}

/** Good bytes with a few bytes changed, put in or taken out, or any bytes at all. */
export function hostileBytes(good: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({ kind: fc.constantFrom('change', 'insert', 'remove', 'cut', 'double'), where: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
  const edited = fc.tuple(good, fc.array(edit, { minLength: 1, maxLength: 4 })).map(([bytes, edits]) => edits.reduce(applyEdit, bytes));
  return fc.oneof({ weight: 6, arbitrary: edited }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) });
}

interface Edit {
  readonly kind: string;
  readonly where: number;
  readonly byte: number;
}

function applyEdit(bytes: Uint8Array, { kind, where, byte }: Edit): Uint8Array {
  const at = bytes.length === 0 ? 0 : where % bytes.length;
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (kind) {
    case 'change':
      return concatBytes(before, Uint8Array.of(byte), after.subarray(1));
    case 'insert':
      return concatBytes(before, Uint8Array.of(byte), after);
    case 'remove':
      return concatBytes(before, after.subarray(1));
    case 'cut':
      return before;
    default:
      return concatBytes(before, after, after);
  }
}

/** One less on each side: -2^53 + 1 is no key. */
function isSmallKey(key: number): boolean {
  return Math.abs(key) < Number.MAX_SAFE_INTEGER;
}
