/**
 * The transit record: all that a gateway may know of one blob (spec/record.md). Its id, `rid`, is the
 * hash of its bytes, so a record that was altered on the way is another record.
 */

export interface TransitRecord {
  /** Destination domain, lower-case A-labels. */
  readonly destination: string;
  /** 24 bytes: hash of the message id. Whoever knows the id can compute it, nobody can go back. */
  readonly locator: Uint8Array;
  /** Transit expiry, Unix seconds, a multiple of 3600. */
  readonly expirySec: number;
  /** Length of the blob in bytes. */
  readonly blobBytes: number;
  /** SHA-256 of the blob, 32 bytes. */
  readonly blobHash: Uint8Array;
  /** 16 bytes; its opening retracts. */
  readonly retractCommitment: Uint8Array;
  /** 16 bytes; its opening accepts. */
  readonly acceptCommitment?: Uint8Array;
  /** Inner notification, sealed by the sending client to the destination domain. */
  readonly notification?: Uint8Array;
  /** The exact bytes of the record, as received: what is hashed, stored and passed on. */
  readonly bytes: Uint8Array;
  /** 32 bytes: SHA-256("rid/1" || bytes). */
  readonly rid: Uint8Array;
}
