/**
 * Which part of a blob a GET or HEAD is about: preconditions, then ranges, in the order of RFC 9110
 * §13.2.2. A blob never changes and has no date, so only entity tags count.
 */
import type { IncomingHttpHeaders } from 'node:http';

export type Selection =
  | { readonly status: 200 | 304 | 412 | 416 }
  /** Bytes [startByte, endByte). */
  | { readonly status: 206; readonly startByte: number; readonly endByte: number };

/** @param etag the strong entity tag, quotes included */
export function selectPart(method: string, headers: IncomingHttpHeaders, etag: string, bytes: number): Selection {
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined && !names(ifMatch, etag, 'strong')) return { status: 412 };
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined && names(ifNoneMatch, etag, 'weak')) return { status: 304 };
  // Range has a meaning for GET only (RFC 9110 §14.2). If-Range with a date never holds here.
  const { range } = headers;
  const ifRange = headers['if-range'];
  if (method !== 'GET' || range === undefined || (ifRange !== undefined && ifRange !== etag)) return { status: 200 };
  return selectRange(range, bytes);
}

/**
 * Whether a blob with this tag is one that the preconditions are for. Several records may claim one id; who has found
 * one of them to be false asks for another one.
 */
export function suits(headers: IncomingHttpHeaders, etag: string): boolean {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch, 'if-range': ifRange } = headers;
  if (ifRange !== undefined && ifRange !== etag) return false;
  return (ifMatch === undefined || names(ifMatch, etag, 'strong')) && (ifNoneMatch === undefined || !names(ifNoneMatch, etag, 'weak'));
}

/** Does the field list the tag, or "*"? Weak tags count in the weak comparison only (RFC 9110 §8.8.3.2). */
function names(field: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (field.trim() === '*') return true;
  for (const [tag] of field.matchAll(/(?:W\/)?"[^"]*"/g)) {
    if (tag === etag || (comparison === 'weak' && tag === `W/${etag}`)) return true;
  }
  return false;
}

/**
 * One range is served. More than one, another unit or a form that RFC 9110 §14.1.2 does not know is
 * ignored, which the RFC allows: a list of small ranges costs a server more than it is worth to a client.
 */
function selectRange(field: string, bytes: number): Selection {
  const parts = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(field);
  if (parts === null) return { status: 200 };
  const [first = '', last = ''] = parts.slice(1);
  if (first === '') {
    if (last === '') return { status: 200 };
    const suffixBytes = Math.min(Number(last), bytes);
    return suffixBytes === 0 ? { status: 416 } : { status: 206, startByte: bytes - suffixBytes, endByte: bytes };
  }
  const startByte = Number(first);
  const endByte = last === '' ? bytes : Math.min(Number(last) + 1, bytes);
  if (last !== '' && Number(last) < startByte) return { status: 200 };
  return startByte >= bytes ? { status: 416 } : { status: 206, startByte, endByte };
}
