/** What an errand with a stick came to, and what is known of sticks, as plain values for the command line and the status page. */
import type { Exported } from './export.js';
import type { Imported } from './import.js';
import type { StickProgress } from './stick-parts.js';
import type { StickHistory } from './stick-schema.js';

export type StickErrand = 'import' | 'export' | 'visit';

export interface StickOutcome {
  readonly errand: StickErrand;
  readonly dir: string;
  /** Its identity; a stick that nobody has written to has none. */
  readonly stick?: string;
  readonly imported?: Imported;
  readonly exported?: Exported;
  readonly removed: number;
  readonly missing: number;
  /** A visit imports from a stick that takes nothing, and exports nothing. */
  readonly readOnly: boolean;
  /** Everything written is on the medium. */
  readonly safeToRemove: true;
}

export type StickJob =
  | { readonly state: 'idle' }
  | { readonly state: 'running'; readonly errand: StickErrand; readonly dir: string; readonly progress?: StickProgress }
  | { readonly state: 'done'; readonly outcome: StickOutcome }
  | { readonly state: 'failed'; readonly code: string; readonly message: string; readonly data: unknown };

export interface StickStatus {
  readonly job: StickJob;
  readonly known: readonly StickHistory[];
  /** Files that went out and are not confirmed yet. */
  readonly under: readonly { readonly stick: string; readonly peer: string; readonly createdMs: number; readonly records: number; readonly bytes: number }[];
  readonly quarantined: readonly { readonly name: string; readonly reason: string; readonly atMs: number }[];
  readonly carried: { readonly files: number; readonly bytes: number; readonly limitBytes: number };
  /** Absent where no folder is watched for sticks. */
  readonly watch?: WatchStatus;
}

export interface WatchStatus {
  readonly folders: readonly string[];
  /** Those that are not there. */
  readonly missing: readonly string[];
  /** What is mounted. new: seen for the first time; failed: with a code, and left alone until it comes again. */
  readonly sticks: readonly { readonly dir: string; readonly state: 'new' | 'serving' | 'served' | 'failed'; readonly code?: string }[];
}

/** Of a gateway that serves none. */
export const NO_STICKS: StickStatus = { job: { state: 'idle' }, known: [], under: [], quarantined: [], carried: { files: 0, bytes: 0, limitBytes: 0 } };
