/** What went wrong with a stick, as coded errors that people can act on. */
import { codeOf } from '../../base/durable-file.js';
import { isPosternError, messageOf, PosternError } from '../../base/errors.js';

/** The system's words for a medium that takes nothing. */
const READ_ONLY = ['EROFS', 'EACCES', 'EPERM'];
const FULL = ['ENOSPC', 'EDQUOT', 'EFBIG'];

export function stickFault(dir: string, reason: 'missing' | 'no-folder' | 'not-ours' | 'read-only' | 'gone' | 'bad-medium', detail: string, cause?: unknown): PosternError<'LINK_STICK'> {
  return new PosternError('LINK_STICK', `The stick at ${dir} cannot be used: ${detail}.`, { dir, reason }, { cause });
}

export function isFull(thrown: unknown): boolean {
  return FULL.includes(codeOf(thrown) ?? '');
}

/** Whatever a file system says comes out as one of our faults. */
export function faultOf(dir: string, thrown: unknown): unknown {
  const code = codeOf(thrown);
  if (isPosternError(thrown) || code === undefined) return thrown;
  if (READ_ONLY.includes(code)) return stickFault(dir, 'read-only', `nothing can be written there (${code})`, thrown);
  return stickFault(dir, 'gone', `${messageOf(thrown)}. Was it pulled out?`, thrown);
}
