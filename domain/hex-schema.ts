/** Byte strings in JSON files: hexadecimal, so that people can read and compare them. */
import { z } from 'zod';
import { fromHex, toHex } from '../base/bytes.js';

const bytesSchema = z.custom<Uint8Array>((value) => value instanceof Uint8Array);

/** Exactly `length` bytes; any number of them without it. */
export function hexBytes(length?: number) {
  const text = length === undefined ? z.string().regex(/^(?:[0-9a-f]{2})*$/, 'hexadecimal digits') : z.string().regex(new RegExp(`^[0-9a-f]{${length * 2}}$`), `${length * 2} hexadecimal digits`);
  return z.codec(text, bytesSchema, { decode: (hex) => fromHex(hex) ?? new Uint8Array(), encode: toHex });
}
