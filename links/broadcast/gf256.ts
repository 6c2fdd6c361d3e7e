/** Arithmetic in GF(2^8) with the polynomial x^8 + x^4 + x^3 + x^2 + 1 (0x11d), as RFC 5510 §8.1 and RFC 6330 §5.7 have it. */
const POLYNOMIAL = 0x11d;

const EXP = new Uint8Array(512);
const LOG = new Uint8Array(256);
for (let power = 0, value = 1; power < 255; power++) {
  EXP[power] = value;
  EXP[power + 255] = value;
  LOG[value] = power;
  value <<= 1;
  if (value > 255) value ^= POLYNOMIAL;
}

export function multiply(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : EXP[LOG[a]! + LOG[b]!]!;
}

/** @param a not 0 */
export function inverse(a: number): number {
  return EXP[255 - LOG[a]!]!;
}

/** to[i] ^= factor * from[i] */
export function addMultiple(to: Uint8Array, factor: number, from: Uint8Array): void {
  if (factor === 0) return;
  const products = productsOf(factor);
  for (let at = 0; at < to.length; at++) to[at]! ^= products[from[at]!]!;
}

/** bytes[i] *= factor */
export function scale(bytes: Uint8Array, factor: number): void {
  if (factor === 1) return;
  const products = productsOf(factor);
  for (let at = 0; at < bytes.length; at++) bytes[at] = products[bytes[at]!]!;
}

/** One row of the multiplication table each, made when first used: 64 KiB once all are. */
const PRODUCTS: (Uint8Array | undefined)[] = new Array<Uint8Array | undefined>(256).fill(undefined);

function productsOf(factor: number): Uint8Array {
  return (PRODUCTS[factor] ??= Uint8Array.from({ length: 256 }, (_, value) => multiply(factor, value)));
}
