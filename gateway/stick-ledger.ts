/**
 * The gateway's memory of sticks: which went out with what, what came back, what was taken, what was bad, what is carried for
 * others. It lies in the data folder, each change durable before what rests on it. Lost, it costs repeated attempts:
 * custody itself is in the store alone.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { fromHex, toHex, utf8 } from '../base/bytes.js';
import { codeOf, sweepTemporaries, writeDurably } from '../base/durable-file.js';
import { messageOf } from '../base/errors.js';
import { makeFolder } from '../base/make-folder.js';
import { MAX_STICK_FILES_NAMED } from '../wire/stick-manifest.js';
import type { OfferedBatches } from './offered-batches.js';
import { outFileSchema, stickBookSchema } from './stick-schema.js';
import type { BadFile, CarriedFile, OutFileState, StickBook, StickEvent, StickHistory } from './stick-schema.js';

/** A file that went out, without the names of its records. */
export interface OutFile {
  readonly id: string;
  readonly stick: string;
  readonly peer: string;
  readonly createdMs: number;
  readonly untilMs: number;
  readonly bytes: number;
  readonly controls: number;
  readonly records: number;
  /** The other gateway has said that it came whole. */
  readonly taken: boolean;
}

export interface OutBatch {
  readonly root: Uint8Array;
  readonly rids: readonly Uint8Array[];
  /** It holds a part of a large blob, and more of it follows in another. */
  readonly part: boolean;
}

const RID_BYTES = 32;
const MOST_STICKS = 256;
const MOST_EVENTS = 40;
const MOST_BAD = 256;
const MOST_TAKEN = 10_000;
const EMPTY: StickBook = { sticks: [], taken: [], bad: [], news: [], carried: [] };

export class StickLedger implements OfferedBatches {
  readonly #dir: string;
  #book: StickBook;
  readonly #out = new Map<string, OutFile & { readonly roots: readonly string[] }>();
  /** Writes of the book come one after the other. */
  #saving: Promise<void> = Promise.resolve();

  private constructor(dir: string, book: StickBook) {
    this.#dir = dir;
    this.#book = book;
  }

  /** @param report is told of memory that cannot be read; it is left where it is, and begun anew */
  static async open(dir: string, report: (reason: string) => void): Promise<StickLedger> {
    await makeFolder(path.join(dir, 'out'), 0o700);
    await makeFolder(path.join(dir, 'carry'), 0o700);
    for (const folder of [dir, path.join(dir, 'out'), path.join(dir, 'carry')]) await sweepTemporaries(folder);
    const book = await readJson(path.join(dir, 'book.json'), (value) => stickBookSchema.parse(value), report);
    const ledger = new StickLedger(dir, book ?? structuredClone(EMPTY));
    for (const name of await readdir(path.join(dir, 'out'))) {
      const state = await readJson(path.join(dir, 'out', name), (value) => outFileSchema.parse(value), report);
      if (state !== undefined) ledger.#index(name.replace(/\.json$/, ''), state);
    }
    return ledger;
  }

  /** Where files between other gateways wait for a stick. */
  get carryDir(): string {
    return path.join(this.#dir, 'carry');
  }

  sticks(): readonly StickHistory[] {
    return this.#book.sticks;
  }

  bad(): readonly BadFile[] {
    return this.#book.bad;
  }

  outFiles(): OutFile[] {
    return [...this.#out.values()];
  }

  outFile(id: string): OutFile | undefined {
    return this.#out.get(id);
  }

  async batchesOf(id: string): Promise<OutBatch[]> {
    const state = await this.#readOut(id);
    return (state?.batches ?? []).map(({ root, rids, part }) => ({ root: fromHex(root) ?? new Uint8Array(0), rids: ridsOf(rids), part }));
  }

  /** Before a file gets its name on the stick: what is in it is known here first. */
  async wentOut(id: string, file: Omit<OutFile, 'id' | 'records' | 'taken'>, batches: readonly OutBatch[]): Promise<void> {
    await this.#writeOut(id, { ...file, taken: false, batches: batches.map(({ root, rids, part }) => ({ root: toHex(root), rids: Buffer.concat(rids).toString('base64'), part })) });
  }

  async forget(id: string): Promise<void> {
    await rm(this.#outPath(id), { force: true });
    this.#out.delete(id);
  }

  async receipted(peer: string, root: Uint8Array, nowMs: number): Promise<readonly Uint8Array[]> {
    const wanted = toHex(root);
    for (const file of this.#out.values()) {
      if (file.peer !== peer || !file.roots.includes(wanted)) continue;
      const batch = (await this.batchesOf(file.id)).find((candidate) => toHex(candidate.root) === wanted);
      if (batch === undefined) continue;
      await this.tell(file.stick, { atMs: nowMs, kind: 'receipt', peer, records: batch.rids.length });
      return batch.rids;
    }
    return [];
  }

  /** Adds to a stick's history. */
  async tell(stickId: string, event: StickEvent): Promise<void> {
    const { sticks } = this.#book;
    let stick = sticks.find(({ id }) => id === stickId);
    if (stick === undefined) {
      stick = { id: stickId, firstMs: event.atMs, lastMs: event.atMs, events: [] };
      sticks.push(stick);
    }
    // A receipt comes by any way; everything else is said of a stick that is here.
    if (event.kind !== 'receipt') stick.lastMs = event.atMs;
    stick.events.push(event);
    stick.events.splice(0, stick.events.length - MOST_EVENTS);
    sticks.sort((a, b) => b.lastMs - a.lastMs).splice(MOST_STICKS);
    await this.#save();
  }

  wasTaken(id: string): boolean {
    return this.#book.taken.some((file) => file.id === id);
  }

  /** A file came whole; its writer is told so with the next file for it. */
  async took(peer: string, id: string, nowMs: number, untilMs: number): Promise<void> {
    const { taken } = this.#book;
    taken.push({ id, atMs: nowMs, untilMs });
    taken.splice(0, taken.length - MOST_TAKEN);
    const news = this.#newsFor(peer);
    addNews(news.taken, id);
    // It may have been unreadable once.
    news.damaged = news.damaged.filter((damaged) => damaged !== id);
    await this.#save();
  }

  /** A file of theirs came damaged; they are asked for it again. */
  async foundDamaged(peer: string, id: string): Promise<void> {
    addNews(this.#newsFor(peer).damaged, id);
    await this.#save();
  }

  /** What a peer has to be told of its files. */
  newsFor(peer: string): { readonly taken: readonly string[]; readonly damaged: readonly string[] } {
    return this.#book.news.find((news) => news.peer === peer) ?? { taken: [], damaged: [] };
  }

  async newsWentOut(peer: string): Promise<void> {
    this.#book.news = this.#book.news.filter((news) => news.peer !== peer);
    await this.#save();
  }

  /** The other gateway says that a file of ours came whole. */
  async markTaken(id: string): Promise<void> {
    const state = await this.#readOut(id);
    if (state !== undefined && !state.taken) await this.#writeOut(id, { ...state, taken: true });
  }

  /** A file of ours is of no use where it lies: nothing waits for it any more, and it goes when its stick comes home. */
  async giveUp(id: string): Promise<void> {
    const state = await this.#readOut(id);
    if (state !== undefined) await this.#writeOut(id, { ...state, taken: true, batches: [] });
  }

  /** Why a file was refused when it was last looked at, if it has not changed since. */
  badReason(file: Pick<BadFile, 'name' | 'bytes' | 'changedMs'>): string | undefined {
    return this.#book.bad.find(({ name, bytes, changedMs }) => name === file.name && bytes === file.bytes && changedMs === file.changedMs)?.reason;
  }

  async quarantine(file: BadFile): Promise<void> {
    this.#book.bad = [...this.#book.bad.filter(({ name }) => name !== file.name), file].slice(-MOST_BAD);
    await this.#save();
  }

  carried(): readonly CarriedFile[] {
    return this.#book.carried;
  }

  async carry(file: CarriedFile): Promise<void> {
    this.#book.carried = [...this.#book.carried.filter(({ id }) => id !== file.id), file];
    await this.#save();
  }

  async carryNoMore(fileId: string): Promise<void> {
    this.#book.carried = this.#book.carried.filter(({ id }) => id !== fileId);
    await this.#save();
    await rm(path.join(this.carryDir, fileId), { force: true });
  }

  /** Forgets what nobody needs any more. */
  async prune(nowMs: number): Promise<void> {
    for (const { id, untilMs } of this.outFiles()) if (untilMs < nowMs) await this.forget(id);
    this.#book.taken = this.#book.taken.filter(({ untilMs }) => untilMs >= nowMs);
    await this.#save();
  }

  #newsFor(peer: string): StickBook['news'][number] {
    let news = this.#book.news.find((candidate) => candidate.peer === peer);
    if (news === undefined) {
      news = { peer, taken: [], damaged: [] };
      this.#book.news.push(news);
    }
    return news;
  }

  #index(id: string, state: OutFileState): void {
    const { batches, ...file } = state;
    const records = batches.reduce((sum, { rids }) => sum + Buffer.byteLength(rids, 'base64') / RID_BYTES, 0);
    this.#out.set(id, { ...file, id, records, roots: batches.map(({ root }) => root) });
  }

  async #writeOut(id: string, state: OutFileState): Promise<void> {
    await writeDurably(this.#outPath(id), utf8(JSON.stringify(state)));
    this.#index(id, state);
  }

  #readOut(id: string): Promise<OutFileState | undefined> {
    return readJson(this.#outPath(id), (value) => outFileSchema.parse(value), () => undefined);
  }

  #outPath(id: string): string {
    return path.join(this.#dir, 'out', `${id}.json`);
  }

  #save(): Promise<void> {
    this.#saving = this.#saving.catch(() => undefined).then(() => writeDurably(path.join(this.#dir, 'book.json'), utf8(JSON.stringify(this.#book))));
    return this.#saving;
  }
}

function addNews(list: string[], id: string): void {
  if (!list.includes(id)) list.push(id);
  list.splice(0, list.length - MAX_STICK_FILES_NAMED);
}

function ridsOf(base64: string): Uint8Array[] {
  const bytes = Buffer.from(base64, 'base64');
  return Array.from({ length: Math.floor(bytes.length / RID_BYTES) }, (_, index) => Uint8Array.from(bytes.subarray(index * RID_BYTES, (index + 1) * RID_BYTES)));
}

/** Undefined where there is no such file, or nothing usable in it. */
async function readJson<Value>(file: string, parse: (value: unknown) => Value, report: (reason: string) => void): Promise<Value | undefined> {
  try {
    return parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (thrown) {
    if (codeOf(thrown) !== 'ENOENT') report(`${file}: ${messageOf(thrown)}`);
    return undefined;
  }
}
