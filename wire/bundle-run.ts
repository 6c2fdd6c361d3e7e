/**
 * Several bundles one behind the other, as other stacks put them into one block of a link. Where each ends is told
 * by its CBOR alone; whether it is a bundle is for decodeBundle to say.
 */
import { BREAK, INDEFINITE_ARRAY } from './bundle-cbor.js';

const MAJOR_ARRAY = 4;
const MAJOR_MAP = 5;
const MAJOR_TAG = 6;
const MAJOR_BYTES = 2;
const MAJOR_TEXT = 3;
/** Values of one bundle that are walked over: blocks, their items, and the parts of endpoint ids. */
const MOST_VALUES = 4096;

/** Arrays around a value. */
const DEEPEST = 16;

/** Views of the bundles. What comes after the last whole one is given as it is, for a reader that can say what is wrong with it. */
export function splitBundles(bytes: Uint8Array): Uint8Array[] {
  const bundles: Uint8Array[] = [];
  let start = 0;
  while (start < bytes.length) {
    const end = endOfBundle(bytes, start) ?? bytes.length;
    bundles.push(bytes.subarray(start, end));
    start = end;
  }
  return bundles.length === 0 ? [bytes] : bundles;
}

function endOfBundle(bytes: Uint8Array, start: number): number | undefined {
  if (bytes[start] !== INDEFINITE_ARRAY) return undefined;
  let at = start + 1;
  // Values still to come in each array that is open; those of indefinite length end with a break.
  const open = [Infinity];
  for (let values = 0; values < MOST_VALUES && at < bytes.length && open.length <= DEEPEST; values++) {
    if (bytes[at] === BREAK && open.at(-1) === Infinity) {
      at++;
      open.pop();
    } else if (bytes[at] === INDEFINITE_ARRAY) {
      at++;
      open[open.length - 1]!--;
      open.push(Infinity);
    } else {
      const head = readHead(bytes, at);
      if (head === undefined) return undefined;
      at = head.next;
      open[open.length - 1]!--;
      if (head.major === MAJOR_BYTES || head.major === MAJOR_TEXT) at += head.argument;
      else if (head.major === MAJOR_ARRAY) open.push(head.argument);
      else if (head.major === MAJOR_MAP) open.push(2 * head.argument);
      else if (head.major === MAJOR_TAG) open.push(1);
    }
    while (open.at(-1) === 0) open.pop();
    if (open.length === 0) return at;
  }
  return undefined;
}

/** Longer heads than need be are passed over, too; strings of indefinite length are not. */
function readHead(bytes: Uint8Array, at: number): { major: number; argument: number; next: number } | undefined {
  const initial = bytes[at]!;
  const info = initial & 31;
  if (info > 27) return undefined;
  const width = info < 24 ? 0 : 1 << (info - 24);
  let argument = info < 24 ? info : 0;
  for (let index = 1; index <= width; index++) argument = argument * 256 + (bytes[at + index] ?? 0);
  const next = at + 1 + width;
  return next > bytes.length ? undefined : { major: initial >> 5, argument, next };
}
