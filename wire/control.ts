/** Controls: what travels in a batch behind the records. Receipts are signed and arrays, all others are maps with a type. */
import { readFields } from './fields.js';
import type { Fields } from './fields.js';
import { OBJECT_TYPE } from './object-types.js';
import { encodeOpening, readOpening } from './opening.js';
import type { Opening } from './opening.js';
import { encodeRanges, readRanges } from './ranges.js';
import type { BlobRanges } from './ranges.js';
import { RECEIPT_LIMITS, decodeReceipt } from './receipt.js';
import type { Receipt } from './receipt.js';
import { encodeRefusal, readRefusal } from './refusal.js';
import type { Refusal } from './refusal.js';

/** `bytes`: the control as received. */
export type Control = (Receipt | Refusal | Opening | BlobRanges) & { readonly bytes: Uint8Array };

/** Of the largest kind. The limits of each kind are checked where it is decoded. */
export const CONTROL_LIMITS = RECEIPT_LIMITS;

export function encodeControl(control: Receipt | Refusal | Opening | BlobRanges): Uint8Array {
  switch (control.kind) {
    case 'receipt':
      return control.bytes;
    case 'refusal':
      return encodeRefusal(control);
    case 'retract':
    case 'accept':
      return encodeOpening(control);
    case 'want':
    case 'have':
      return encodeRanges(control);
  }
}

export function decodeControl(bytes: Uint8Array, path = 'control', offset = 0): Control {
  if (isArrayHead(bytes[0])) return decodeReceipt(bytes, path, offset);
  return { ...readControl(readFields(bytes, path, undefined, offset)), bytes };
}

function isArrayHead(initial: number | undefined): boolean {
  return initial !== undefined && initial >> 5 === 4;
}

function readControl(fields: Fields): Refusal | Opening | BlobRanges {
  const type = fields.uint(0, 'type');
  switch (type) {
    case OBJECT_TYPE.retract:
    case OBJECT_TYPE.accept:
      return readOpening(fields);
    case OBJECT_TYPE.refusal:
      return readRefusal(fields);
    case OBJECT_TYPE.want:
    case OBJECT_TYPE.have:
      return readRanges(fields);
    default:
      throw fields.wrong(0, 'type', `type ${type}`, 'a control');
  }
}
