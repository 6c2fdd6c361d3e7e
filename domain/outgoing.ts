/**
 * Messages on their way out: one folder each, and what happened to them is told by which files are in it.
 * Every file is written once, so two processes (a `receive` that runs, a `send` beside it) cannot undo each
 * other's news, and a crash between two files leaves a state that simply goes on.
 */
import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, createDurably, moveFolderDurably } from '../base/durable-file.js';
import { decodeRecord } from '../wire/record.js';
import type { TransitRecord } from '../wire/record.js';
import type { Home } from './home.js';
import { createState, readState, writeState } from './state-file.js';
import { markSchema, outcomeSchema, outgoingSchema, troubleSchema } from './state-schema.js';
import type { OutcomeState, OutgoingState, TroubleState } from './state-schema.js';

/** sealed: here only. offered: a gateway may have some of it. in-custody: a gateway signed for it. The others are ends. */
export type MessageState = 'sealed' | 'offered' | 'in-custody' | OutcomeState['outcome'];

export interface OutgoingMessage {
  /** Name of the folder: the command that made it, and a number. */
  readonly name: string;
  readonly dir: string;
  readonly facts: OutgoingState;
  readonly record: TransitRecord;
}

/** Commands are named by 32 hex digits; `again` counts up. */
const NAME = /^([0-9a-f]{32})\.([1-9]\d{0,8})$/;

export function outgoingName(command: string, number: number): string {
  return `${command}.${number}`;
}

/** The newest message that a command has made, whatever became of it. */
export async function latestOf(home: Home, command: string): Promise<{ number: number; message: OutgoingMessage } | undefined> {
  let latest: { number: number; parent: string } | undefined;
  for (const parent of [home.outgoing, home.sent]) {
    for (const entry of await readdir(parent)) {
      const [, made, number] = NAME.exec(entry) ?? [];
      if (made === command && Number(number) > (latest?.number ?? 0)) latest = { number: Number(number), parent };
    }
  }
  if (latest === undefined) return undefined;
  const message = await loadMessage(latest.parent, outgoingName(command, latest.number));
  return message && { number: latest.number, message };
}

/** All messages in `home.outgoing` or `home.sent`, oldest name first. One that cannot be read is handed to `onBroken`. */
export async function listMessages(parent: string, onBroken: (thrown: unknown) => void): Promise<OutgoingMessage[]> {
  const messages: OutgoingMessage[] = [];
  for (const name of (await readdir(parent)).filter((entry) => NAME.test(entry)).sort()) {
    try {
      const message = await loadMessage(parent, name);
      if (message !== undefined) messages.push(message);
    } catch (thrown) {
      onBroken(thrown);
    }
  }
  return messages;
}

/** Undefined when the folder has gone, which is what happens when another process files the message away. */
async function loadMessage(parent: string, name: string): Promise<OutgoingMessage | undefined> {
  const dir = join(parent, name);
  const facts = await readState(messageFile(dir), outgoingSchema);
  return facts && { name, dir, facts, record: decodeRecord(facts.record) };
}

export async function stateOf(message: OutgoingMessage): Promise<MessageState> {
  const outcome = await outcomeOf(message);
  if (outcome !== undefined) return outcome.outcome;
  const files = await readdir(message.dir);
  if (files.includes(RECEIPT)) return 'in-custody';
  return files.includes(OFFERED) ? 'offered' : 'sealed';
}

export function outcomeOf(message: OutgoingMessage): Promise<OutcomeState | undefined> {
  return readState(join(message.dir, 'outcome.json'), outcomeSchema);
}

export function troubleOf(message: OutgoingMessage): Promise<TroubleState | undefined> {
  return readState(join(message.dir, 'trouble.json'), troubleSchema);
}

/** Somebody wants it back: noted before anybody is told. */
export async function isRetracting(message: OutgoingMessage): Promise<boolean> {
  return (await readState(join(message.dir, 'retracting.json'), markSchema)) !== undefined;
}

export function messageFile(dir: string): string {
  return join(dir, 'message.json');
}

export function blobFile(dir: string): string {
  return join(dir, 'blob');
}

export async function markOffered(message: OutgoingMessage, atSec: number): Promise<void> {
  await createState(join(message.dir, OFFERED), markSchema, { format: 1, atSec });
}

export async function markRetracting(message: OutgoingMessage, atSec: number): Promise<void> {
  await createState(join(message.dir, 'retracting.json'), markSchema, { format: 1, atSec });
}

export async function keepTrouble(message: OutgoingMessage, trouble: TroubleState): Promise<void> {
  await writeState(join(message.dir, 'trouble.json'), troubleSchema, trouble);
}

/** The signed receipt is on stable storage before the blob goes. */
export async function keepReceipt(message: OutgoingMessage, receipt: Uint8Array): Promise<void> {
  await createDurably(join(message.dir, RECEIPT), receipt);
  await rm(blobFile(message.dir), { force: true });
  await rm(join(message.dir, 'trouble.json'), { force: true });
}

export async function receiptOf(message: OutgoingMessage): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await readFile(join(message.dir, RECEIPT)));
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

/** Ends a message and files it under `sent`. The first outcome stays, whoever comes second. */
export async function settle(home: Home, message: OutgoingMessage, outcome: OutcomeState['outcome'], atSec: number): Promise<boolean> {
  const first = await createState(join(message.dir, 'outcome.json'), outcomeSchema, { format: 1, outcome, atSec });
  await fileAway(home, message);
  return first;
}

/** Also called at the start, for what was settled just before a crash. */
export async function fileAway(home: Home, message: OutgoingMessage): Promise<void> {
  await rm(blobFile(message.dir), { force: true });
  await moveFolderDurably(message.dir, join(home.sent, message.name));
}

const RECEIPT = 'receipt.cbor';
const OFFERED = 'offered.json';
