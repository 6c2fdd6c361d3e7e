/**
 * Messages on their way out: one folder each, and what happened to them is told by which files are in it.
 * Every file is written once, so two processes (a `receive` that runs, a `send` beside it) cannot undo each
 * other's news, and a crash between two files leaves a state that simply goes on. At its end a message's folder
 * moves to `sent`; whoever still holds it under its old name finds it there.
 */
import { readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes } from '../base/bytes.js';
import { codeOf, createDurably, moveFolderDurably } from '../base/durable-file.js';
import { decodeRecord } from '../wire/record.js';
import type { TransitRecord } from '../wire/record.js';
import type { Home } from './home.js';
import { hashFile } from './spool.js';
import { createState, readState, writeState } from './state-file.js';
import { markSchema, outcomeSchema, outgoingSchema, troubleSchema } from './state-schema.js';
import type { OutcomeState, OutgoingState, TroubleState } from './state-schema.js';

/** sealed: here only. offered: a gateway may have some of it. in-custody: a gateway signed for it. The others are ends. */
export type MessageState = 'sealed' | 'offered' | 'in-custody' | OutcomeState['outcome'];

export interface OutgoingMessage {
  /** Name of the folder: the command that made it, and a number. */
  readonly name: string;
  /** Where the folder is, and where it moves at the end. */
  readonly dir: string;
  readonly filedDir: string;
  readonly facts: OutgoingState;
  readonly record: TransitRecord;
}

/** Commands are named by 32 hex digits; a command done again counts up. */
const NAME = /^([0-9a-f]{32})\.([1-9]\d{0,8})$/;
const MESSAGE = 'message.json';
const OFFERED = 'offered';
const RECEIPT = 'receipt.cbor';
const RETRACTING = 'retracting.json';
const TROUBLE = 'trouble.json';
const OUTCOME = 'outcome.json';

export function outgoingName(command: string, number: number): string {
  return `${command}.${number}`;
}

export function messageFile(dir: string): string {
  return join(dir, MESSAGE);
}

export function blobFile(dir: string): string {
  return join(dir, 'blob');
}

/** Whether the blob is here and what its record says. Its hash is looked at up to so many bytes. */
export async function isBlobWhole(message: OutgoingMessage, mostHashedBytes: number): Promise<boolean> {
  const file = blobFile(message.dir);
  const { blobBytes, blobHash } = message.record;
  const isWhole = await whileThere(async () => {
    const { size } = await stat(file);
    return size === blobBytes && (size > mostHashedBytes || equalBytes(await hashFile(file), blobHash));
  });
  return isWhole === true;
}

/** The newest message that a command has made, whatever became of it. */
export async function latestOf(home: Home, command: string): Promise<{ number: number; message: OutgoingMessage } | undefined> {
  let latest: { number: number; parent: string } | undefined;
  // A message that moves from the first to the second between the two looks is seen at least once.
  for (const parent of [home.outgoing, home.sent]) {
    for (const entry of await readdir(parent)) {
      const [, made, number] = NAME.exec(entry) ?? [];
      if (made === command && Number(number) >= (latest?.number ?? 0)) latest = { number: Number(number), parent };
    }
  }
  if (latest === undefined) return undefined;
  const message = await loadMessage(home, latest.parent, outgoingName(command, latest.number));
  return message && { number: latest.number, message };
}

/** All messages on their way, or at their end. One that cannot be read is handed to `onBroken`. */
export async function listMessages(home: Home, which: 'outgoing' | 'sent', onBroken: (thrown: unknown) => void): Promise<OutgoingMessage[]> {
  const messages: OutgoingMessage[] = [];
  for (const name of (await readdir(home[which])).filter((entry) => NAME.test(entry)).sort()) {
    try {
      const message = await loadMessage(home, home[which], name);
      if (message !== undefined) messages.push(message);
    } catch (thrown) {
      onBroken(thrown);
    }
  }
  return messages;
}

async function loadMessage(home: Home, parent: string, name: string): Promise<OutgoingMessage | undefined> {
  const filedDir = join(home.sent, name);
  const dir = join(parent, name);
  const facts = (await readState(messageFile(dir), outgoingSchema)) ?? (await readState(messageFile(filedDir), outgoingSchema));
  return facts && { name, dir, filedDir, facts, record: decodeRecord(facts.record) };
}

export async function stateOf(message: OutgoingMessage): Promise<MessageState> {
  const outcome = await outcomeOf(message);
  if (outcome !== undefined) return outcome.outcome;
  const files = await readdir(message.dir).catch((thrown: unknown) => {
    if (codeOf(thrown) === 'ENOENT') return readdir(message.filedDir);
    throw thrown;
  });
  if (files.includes(RECEIPT)) return 'in-custody';
  return files.includes(OFFERED) ? 'offered' : 'sealed';
}

export async function outcomeOf(message: OutgoingMessage): Promise<OutcomeState | undefined> {
  return (await readState(join(message.dir, OUTCOME), outcomeSchema)) ?? readState(join(message.filedDir, OUTCOME), outcomeSchema);
}

export function troubleOf(message: OutgoingMessage): Promise<TroubleState | undefined> {
  return readState(join(message.dir, TROUBLE), troubleSchema);
}

/** Somebody wants it back, and it has not come to its end. */
export async function isRetracting(message: OutgoingMessage): Promise<boolean> {
  return (await readState(join(message.dir, RETRACTING), markSchema)) !== undefined;
}

/** No gateway has signed for it, nobody wants it back, and it has not come to its end. */
export async function isWaiting(message: OutgoingMessage): Promise<boolean> {
  const state = await stateOf(message);
  return (state === 'sealed' || state === 'offered') && !(await isRetracting(message));
}

/** For people only, so that it need not be durable: who retracts tells the gateways in any case. */
export async function markOffered(message: OutgoingMessage): Promise<void> {
  await whileThere(() => writeFile(join(message.dir, OFFERED), '', { mode: 0o600 }));
}

export async function markRetracting(message: OutgoingMessage, atSec: number): Promise<void> {
  await whileThere(() => createState(join(message.dir, RETRACTING), markSchema, { format: 1, atSec }));
}

export async function keepTrouble(message: OutgoingMessage, trouble: TroubleState): Promise<void> {
  await whileThere(() => writeState(join(message.dir, TROUBLE), troubleSchema, trouble));
}

/** The signed receipt is on stable storage before the blob goes. */
export async function keepReceipt(message: OutgoingMessage, receipt: Uint8Array): Promise<void> {
  await whileThere(() => createDurably(join(message.dir, RECEIPT), receipt));
  await rm(blobFile(message.dir), { force: true });
  await rm(join(message.dir, TROUBLE), { force: true });
}

/** The signed word of the gateway that took it. */
export async function receiptOf(message: OutgoingMessage): Promise<Uint8Array | undefined> {
  for (const dir of [message.dir, message.filedDir]) {
    const bytes = await whileThere(() => readFile(join(dir, RECEIPT)));
    if (bytes !== undefined) return new Uint8Array(bytes);
  }
  return undefined;
}

/** Ends a message and files it away. The first outcome stays; who comes second gets false. */
export async function settle(message: OutgoingMessage, outcome: OutcomeState['outcome'], atSec: number): Promise<boolean> {
  const first = await whileThere(() => createState(join(message.dir, OUTCOME), outcomeSchema, { format: 1, outcome, atSec }));
  await fileAway(message);
  return first === true;
}

/** Also called at the start, for what was settled just before a crash. */
export async function fileAway(message: OutgoingMessage): Promise<void> {
  await rm(blobFile(message.dir), { force: true });
  await whileThere(() => moveFolderDurably(message.dir, message.filedDir));
}

/** Undefined when the folder has been filed away meanwhile: then there is nothing more to note. */
async function whileThere<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}
