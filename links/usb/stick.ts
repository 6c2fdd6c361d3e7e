/**
 * A stick as it is mounted: our one folder on it, the stick's identity, the files that gateways have left there, and the way
 * a file gets on it whole or not at all. It moves bytes: what they mean and who may have them is not known here. Nothing
 * is ever removed that the caller does not name, and the caller names only what it wrote.
 */
import { fromHex, toHex, utf8 } from '../../base/bytes.js';
import { codeOf } from '../../base/durable-file.js';
import type { StickDisk, StickEntry, StickHash, StickReader } from './stick-disk.js';
import { faultOf, isFull, stickFault } from './stick-fault.js';
import { bundleIdOf, bundleName, IDENTITY_NAME, isTemporaryOf, judgeName, LARGEST_FILE_BYTES, NOTE_NAME, STICK_FOLDER, temporaryName } from './stick-names.js';
import { isAsWritten, isReadable, writeWhole } from './stick-transfer.js';
import type { StickFreight } from './stick-transfer.js';

export interface StickOptions {
  readonly disk: StickDisk;
  /** Where the stick is mounted. */
  readonly dir: string;
  /** 16 hex digits: whose temporary files are ours. */
  readonly owner: string;
  readonly newHash: () => StickHash;
}

export interface StickFile {
  /** The beginning of its hash, in hex. */
  readonly id: string;
  readonly bytes: number;
  readonly changedMs: number;
}

export interface StickListing {
  readonly files: readonly StickFile[];
  /** What has a name like ours and is not what we write: never opened. */
  readonly refused: readonly { readonly name: string; readonly reason: StickRefusal }[];
}

export type StickRefusal = 'link' | 'folder' | 'no-file' | 'name' | 'empty' | 'too-large' | 'too-many';

export type StickPut = { readonly kind: 'written' } | { readonly kind: 'full' };

const ID_BYTES = 16;
const IDENTITY_HEAD = 'postern-stick-1 ';
/** Head, 32 digits and a line end, with room for an editor's other line end. */
const IDENTITY_READ_BYTES = 64;
/** A folder with more names than this is no folder of ours; what is beyond is not looked at. */
const MOST_NAMES = 10_000;
const MOST_NAME_CHARACTERS = 64;

export class Stick {
  readonly dir: string;
  readonly #options: StickOptions;
  readonly #disk: StickDisk;
  #folder: string | undefined;
  #id: Uint8Array | undefined;
  #temporaries = 0;

  private constructor(options: StickOptions) {
    this.#options = options;
    this.#disk = options.disk;
    this.dir = options.dir;
  }

  /** Looks at what is mounted at `dir`, and changes nothing. Throws LINK_STICK when there is no stick, or its folder is a trap. */
  static async open(options: StickOptions): Promise<Stick> {
    const stick = new Stick(options);
    await stick.#coded(() => stick.#look());
    return stick;
  }

  /** 16 bytes; undefined on a stick that no gateway has written to. */
  get id(): Uint8Array | undefined {
    return this.#id;
  }

  /** Makes the folder, the identity and the note where they are not there yet, and sweeps away what we once left half written. */
  async prepare(newId: () => Uint8Array, note: string): Promise<Uint8Array> {
    return this.#coded(async () => {
      this.#folder ??= await this.#makeFolder();
      await this.#sweep();
      if (this.#id === undefined) {
        const id = newId();
        await this.#replace(IDENTITY_NAME, utf8(`${IDENTITY_HEAD}${toHex(id)}\r\n`));
        this.#id = id;
      }
      await this.#leaveNote(note);
      return this.#id;
    });
  }

  async files(): Promise<StickListing> {
    return this.#coded(async () => {
      const files: StickFile[] = [];
      const refused: { name: string; reason: StickRefusal }[] = [];
      if (this.#folder === undefined) return { files, refused };
      const names = await this.#disk.list(this.#folder, MOST_NAMES);
      if (names.length === MOST_NAMES) refused.push({ name: STICK_FOLDER, reason: 'too-many' });
      for (const name of names.sort()) {
        const judged = judgeName(name);
        if (judged === 'foreign') continue;
        const entry = judged === 'ours' ? await this.#disk.look(this.#path(name)) : undefined;
        const reason = judged === 'wrong' ? 'name' : refusalOf(entry);
        if (reason !== undefined) refused.push({ name: name.slice(0, MOST_NAME_CHARACTERS), reason });
        else if (entry !== undefined) files.push({ id: bundleIdOf(name), bytes: entry.bytes, changedMs: entry.changedMs });
      }
      return { files, refused };
    });
  }

  /** Opens a file of the listing. It may have changed since: it is looked at again, and what is no plain file any more is refused. */
  open(id: string): Promise<StickReader> {
    return this.#coded(async () => {
      const reader = await this.#disk.open(this.#path(bundleName(id)), 'cache');
      return { bytes: reader.bytes, read: (offset, into) => this.#coded(() => reader.read(offset, into)), close: () => reader.close() };
    });
  }

  /** Whether the stick is still there. The system remembers names and contents of one that was pulled out, so the medium is asked. */
  async answers(): Promise<boolean> {
    return this.#id === undefined ? this.#disk.list(this.#folder ?? this.dir, 1).then(() => true, () => false) : isReadable(this.#disk, this.#path(IDENTITY_NAME));
  }

  async has(id: string): Promise<boolean> {
    return (await this.bytesOf(id)) !== undefined;
  }

  /** How large a file is; undefined where there is none. */
  async bytesOf(id: string): Promise<number | undefined> {
    if (this.#folder === undefined) return undefined;
    return (await this.#coded(() => this.#disk.look(this.#path(bundleName(id)))))?.bytes;
  }

  /** What may be written, the reserve left free. */
  async roomBytes(reserveBytes: number): Promise<number> {
    return Math.max(0, (await this.#coded(() => this.#disk.freeBytes(this.#folder ?? this.dir))) - reserveBytes);
  }

  /**
   * Puts a file on the stick: under a temporary name, synced, read back and compared, renamed, and the folder synced. When
   * this says written, it is there whole; in any other case nothing of it is left, now or after the next `prepare`.
   */
  async put(freight: StickFreight, progress: (bytes: number) => void, beforeNaming: (id: string) => Promise<void>): Promise<StickPut> {
    const temporary = this.#path(this.#temporary());
    try {
      const written = await writeWhole(this.#disk, temporary, freight, progress);
      const reader = await this.#disk.open(temporary, 'medium');
      const same = await isAsWritten(reader, freight, written, this.#options.newHash(), progress).finally(() => reader.close());
      if (!same) throw stickFault(this.dir, 'bad-medium', 'what was read back is not what was written. Throw this stick away');
      await beforeNaming(written.id);
      await this.#disk.rename(temporary, this.#path(bundleName(written.id)));
      await this.#disk.syncDir(this.#folder ?? this.dir);
      return { kind: 'written' };
    } catch (thrown) {
      await this.#disk.unlink(temporary).catch(() => undefined);
      if (isFull(thrown)) return { kind: 'full' };
      throw faultOf(this.dir, thrown);
    }
  }

  /** Removes a file that the caller wrote. One that is gone already is no fault. */
  async remove(id: string): Promise<void> {
    await this.#coded(async () => {
      try {
        await this.#disk.unlink(this.#path(bundleName(id)));
      } catch (thrown) {
        if (codeOf(thrown) !== 'ENOENT') throw thrown;
      }
    });
  }

  /** After removals: makes them last. */
  async settle(): Promise<void> {
    if (this.#folder !== undefined) await this.#coded(() => this.#disk.syncDir(this.#folder ?? this.dir));
  }

  async #look(): Promise<void> {
    // The mount point itself may be named by a link of the operator's; what is on the stick may not.
    const names = await this.#disk.list(this.dir, MOST_NAMES).catch((thrown: unknown) => {
      const code = codeOf(thrown);
      if (code === 'ENOENT') throw stickFault(this.dir, 'missing', 'there is no such folder', thrown);
      if (code === 'ENOTDIR') throw stickFault(this.dir, 'no-folder', 'that is no folder', thrown);
      throw thrown;
    });
    const like = names.filter((name) => name.toUpperCase() === STICK_FOLDER).sort();
    const name = like.includes(STICK_FOLDER) ? STICK_FOLDER : like[0];
    if (name === undefined) return;
    const entry = await this.#disk.look(`${this.dir}/${name}`);
    if (entry?.kind !== 'folder') throw stickFault(this.dir, 'not-ours', `${name} is there and is no folder`);
    this.#folder = `${this.dir}/${name}`;
    this.#id = await this.#readIdentity();
  }

  async #readIdentity(): Promise<Uint8Array | undefined> {
    const text = await this.#readSmall(IDENTITY_NAME, IDENTITY_READ_BYTES);
    const digits = text?.startsWith(IDENTITY_HEAD) === true ? text.slice(IDENTITY_HEAD.length).trim() : undefined;
    return digits?.length === 2 * ID_BYTES ? fromHex(digits) : undefined;
  }

  /** The beginning of a small file; undefined where there is none, or something that is no file. */
  async #readSmall(name: string, mostBytes: number): Promise<string | undefined> {
    const entry = await this.#disk.look(this.#path(name));
    if (entry?.kind !== 'file') return undefined;
    const reader = await this.#disk.open(this.#path(name), 'cache');
    try {
      const bytes = new Uint8Array(mostBytes);
      const length = await reader.read(0, bytes);
      return Buffer.from(bytes.subarray(0, length)).toString('latin1');
    } finally {
      await reader.close();
    }
  }

  async #makeFolder(): Promise<string> {
    const folder = `${this.dir}/${STICK_FOLDER}`;
    await this.#disk.makeDir(folder);
    await this.#disk.syncDir(this.dir);
    return folder;
  }

  async #sweep(): Promise<void> {
    for (const name of await this.#disk.list(this.#folder ?? this.dir, MOST_NAMES)) {
      if (isTemporaryOf(this.#options.owner, name)) await this.#disk.unlink(this.#path(name));
    }
  }

  /** A note that is there already, whoever's, stays as long as it is a file: rewriting it each time would only wear the stick. */
  async #leaveNote(note: string): Promise<void> {
    const entry = await this.#disk.look(this.#path(NOTE_NAME));
    if (entry === undefined) await this.#replace(NOTE_NAME, utf8(note.replaceAll('\n', '\r\n')));
  }

  /** Where something else stands under the name, a link perhaps, the rename puts the file in its place and follows nothing. */
  async #replace(name: string, bytes: Uint8Array): Promise<void> {
    const temporary = this.#path(this.#temporary());
    try {
      const writer = await this.#disk.create(temporary);
      try {
        await writer.write(0, bytes);
        await writer.sync();
      } finally {
        await writer.close();
      }
      await this.#disk.rename(temporary, this.#path(name));
      await this.#disk.syncDir(this.#folder ?? this.dir);
    } catch (thrown) {
      await this.#disk.unlink(temporary).catch(() => undefined);
      if (isFull(thrown)) throw stickFault(this.dir, 'read-only', 'it is full to the last byte', thrown);
      throw thrown;
    }
  }

  #temporary(): string {
    this.#temporaries += 1;
    return temporaryName(this.#options.owner, this.#temporaries);
  }

  #path(name: string): string {
    return `${this.#folder ?? this.dir}/${name}`;
  }

  async #coded<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (thrown) {
      throw faultOf(this.dir, thrown);
    }
  }
}

function refusalOf(entry: StickEntry | undefined): StickRefusal | undefined {
  if (entry === undefined) return undefined;
  if (entry.kind !== 'file') return entry.kind === 'link' || entry.kind === 'folder' ? entry.kind : 'no-file';
  if (entry.bytes === 0) return 'empty';
  return entry.bytes > LARGEST_FILE_BYTES ? 'too-large' : undefined;
}
