/** The faults of the store, each made in one place. docs/errors.md says what to do about them. */
import { toHex } from '../base/bytes.js';
import { PosternError, isPosternError, messageOf } from '../base/errors.js';
import { isDiskFull } from './disk.js';

/** What a disk or the index reported, as the coded fault that the caller gets. */
export function faultOf(dir: string, error: unknown): PosternError {
  if (isPosternError(error)) return error;
  return isDiskFull(error) ? storeFull(dir, error) : storeFault(dir, error);
}

export function storeFull(dir: string, cause: unknown): PosternError {
  return new PosternError('STORE_FULL', `no room left on the disk of ${dir}: nothing was written; free some space or lower the capacity of the store`, { dir }, { cause });
}

export function storeFault(dir: string, cause: unknown): PosternError {
  const message = `the disk of ${dir} reported an error (${messageOf(cause)}): the store takes nothing more until it is opened again`;
  return new PosternError('STORE_IO', message, { dir }, { cause });
}

export function storeClosed(dir: string): PosternError {
  return new PosternError('STORE_CLOSED', `the store in ${dir} is closed`, { dir });
}

export function storeLocked(dir: string, cause: unknown): PosternError {
  return new PosternError('STORE_LOCKED', `the store in ${dir} is in use by another process: one gateway per store`, { dir }, { cause });
}

export function damaged(what: string, cause?: unknown): PosternError {
  return new PosternError('STORE_DAMAGED', `${what} does not read back as it was written: the medium is failing or a file was altered`, { what }, { cause });
}

const INDEX = 'the index';

export function damagedIndex(cause?: unknown): PosternError {
  return damaged(INDEX, cause);
}

export function isIndexDamage(error: unknown): boolean {
  return isPosternError(error) && error.code === 'STORE_DAMAGED' && (error as PosternError<'STORE_DAMAGED'>).data.what === INDEX;
}

/** Whether one thing cannot be read, while others may be. */
export function isDamage(error: unknown): boolean {
  return isPosternError(error) && error.code === 'STORE_DAMAGED' && !isIndexDamage(error);
}

export function receiverBusy(rid: Uint8Array): PosternError {
  return new PosternError('STORE_BUSY', 'the blob of this record is being received already: wait for the other transfer', { record: toHex(rid) });
}

export function outOfRange(offset: number, endByte: number, blobBytes: number): PosternError {
  return new PosternError('STORE_RANGE', `bytes ${offset} to ${endByte} of a blob of ${blobBytes} bytes`, { offset, endByte, blobBytes });
}

export function blobGone(rid: Uint8Array): PosternError {
  return new PosternError('STORE_GONE', 'the blob was let go while it was being read', { record: toHex(rid) });
}
