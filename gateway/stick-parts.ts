/** What the stages that deal with a stick are handed. */
import type { Stick } from '../links/usb/stick.js';
import type { Answer } from './gateway.js';
import type { GatewayContext } from './context.js';
import type { Packing } from './load.js';
import type { Received } from './receive.js';
import type { StickLedger } from './stick-ledger.js';

/** The stages of the gateway that a stick's files go through. */
export interface StickDoors {
  readonly packing: Packing;
  /** Reads a batch to its end and takes nothing. */
  check(batch: AsyncIterable<Uint8Array>): Promise<Received>;
  /** Takes a batch and leaves the answer in the outbox. */
  take(batch: AsyncIterable<Uint8Array>): Promise<Answer>;
}

export interface StickVisit {
  readonly context: GatewayContext;
  readonly ledger: StickLedger;
  readonly doors: StickDoors;
  readonly stick: Stick;
  /** The spool of files between other gateways, itself laid out like a stick. */
  readonly spool: Stick;
  readonly progress: (progress: StickProgress) => void;
}

export interface StickProgress {
  readonly phase: 'import' | 'export';
  readonly doneBytes: number;
  readonly totalBytes: number;
}
