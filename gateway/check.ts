/** Check: reads a batch to its end without taking anything, so that what comes from a stick is taken whole or not at all. */
import { equalBytes } from '../base/bytes.js';
import { PosternError } from '../base/errors.js';
import type { BatchHead } from '../wire/batch-head-reader.js';
import { sha256Stream } from '../wire/node-crypto.js';
import type { Sha256Stream } from '../wire/node-crypto.js';
import type { Intake, Taken } from './intake.js';
import { ridText } from './log.js';
import type { Peer } from './peer-book.js';

const NOTHING: Taken = { rids: [], refusals: [], wants: [], retainedUntilSec: 0 };

export function beginCheck(peer: Peer, head: BatchHead): Promise<Intake> {
  return Promise.resolve(new CheckIntake(peer, head));
}

/** Hashes blobs whose pieces come in order, as every writer sends them; of any other the accepting stage finds out. */
class CheckIntake implements Intake {
  readonly #peer: Peer;
  readonly #head: BatchHead;
  #index = -1;
  #offset = 0;
  #hash: Sha256Stream | undefined;

  constructor(peer: Peer, head: BatchHead) {
    this.#peer = peer;
    this.#head = head;
  }

  piece(index: number, offset: number, bytes: Uint8Array): Promise<void> {
    if (offset === 0) {
      this.#hash = sha256Stream();
      this.#index = index;
      this.#offset = 0;
    }
    if (index !== this.#index || offset !== this.#offset) this.#hash = undefined;
    this.#hash?.update(bytes);
    this.#offset += bytes.length;
    const record = this.#head.records[index];
    if (this.#hash !== undefined && this.#offset === record?.blobBytes) {
      if (!equalBytes(this.#hash.digest(), record.blobHash)) {
        return Promise.reject(new PosternError('GATEWAY_BLOB_MISMATCH', `The blob of record ${ridText(record.rid)} is not the one its record names: the file is refused whole.`, { peer: this.#peer.name, record: ridText(record.rid) }));
      }
      this.#hash = undefined;
    }
    return Promise.resolve();
  }

  finish(): Promise<Taken> {
    return Promise.resolve(NOTHING);
  }

  abandon(): Promise<void> {
    return Promise.resolve();
  }
}
