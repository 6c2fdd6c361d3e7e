/** What a segment can be faulted for: it breaks RFC 5326, or it asks for more than a limit here. */
import { PosternError } from '../../base/errors.js';

export function protocolFault(path: string, offset: number, found: string, expected: string): PosternError<'LINK_PROTOCOL'> {
  return new PosternError('LINK_PROTOCOL', `The peer sent ${found} at ${path}, byte ${offset}; RFC 5326 expects ${expected}.`, { path, offset, found, expected });
}

export function limitFault(path: string, offset: number, found: bigint | number | string, limit: number): PosternError<'LINK_LIMIT'> {
  const text = `The peer sent ${found} at ${path}, byte ${offset}; the limit here is ${limit}.`;
  return new PosternError('LINK_LIMIT', text, { path, offset, found: typeof found === 'string' ? limit + 1 : Number(found), limit });
}
