/** A mounted stick through node:fs. Whoever made it may have put anything there: nothing is followed, and only plain files are opened. */
import { constants } from 'node:fs';
import { lstat, mkdir, open, opendir, rename, stat, statfs, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from '../../base/durable-file.js';
import type { StickDisk, StickEntry, StickReader, StickWriter } from './stick-disk.js';

export const nodeStickDisk: StickDisk = {
  async look(path) {
    try {
      const found = await lstat(path);
      return { kind: kindOf(found), bytes: found.size, changedMs: found.mtimeMs };
    } catch (thrown) {
      if (codeOf(thrown) === 'ENOENT' || codeOf(thrown) === 'ENOTDIR') return undefined;
      throw thrown;
    }
  },

  async list(dir, most) {
    const names: string[] = [];
    for await (const entry of await opendir(dir)) {
      if (names.length === most) break;
      names.push(entry.name);
    }
    return names;
  },

  async open(path, from) {
    const handle = await openPlain(path, from === 'medium' ? constants.O_DIRECT : 0);
    const { size } = await handle.stat();
    return new NodeReader(handle, size);
  },

  async create(path) {
    return new NodeWriter(await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, FILE_MODE));
  },

  async rename(from, to) {
    await rename(from, to);
    // FAT gives the file a new entry, which says nothing of its size and content until the file is synced once more.
    const handle = await open(to, PLAIN);
    await handle.sync().finally(() => handle.close());
  },

  unlink,

  async makeDir(dir) {
    await mkdir(dir);
  },

  async syncDir(dir) {
    const handle = await open(dir, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await handle.sync();
    } catch (thrown) {
      // Some file systems in user space know no sync of a folder; then the sync of the file has to do.
      if (!['EINVAL', 'ENOSYS', 'ENOTSUP'].includes(codeOf(thrown) ?? '')) throw thrown;
    } finally {
      await handle.close();
    }
  },

  async freeBytes(dir) {
    const { bavail, bsize } = await statfs(dir);
    return bavail * bsize;
  },
};

/** Readable for whoever finds the stick. FAT knows no modes anyway. */
const FILE_MODE = 0o644;
/** A FIFO would make the open wait for its other end. */
const PLAIN = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

async function openPlain(path: string, extra: number): Promise<FileHandle> {
  const handle = await open(path, PLAIN | extra).catch((thrown: unknown) => {
    if (extra !== 0 && codeOf(thrown) === 'EINVAL') return open(path, PLAIN);
    throw thrown;
  });
  try {
    const [file, folder] = [await handle.stat(), await stat(dirname(path))];
    if (file.isFile() && file.dev === folder.dev) return handle;
    throw Object.assign(new Error(`${path} is no file of the stick`), { code: 'ENOTSUP' });
  } catch (thrown) {
    await handle.close();
    throw thrown;
  }
}

function kindOf(found: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }): StickEntry['kind'] {
  return found.isFile() ? 'file' : found.isDirectory() ? 'folder' : found.isSymbolicLink() ? 'link' : 'other';
}

class NodeReader implements StickReader {
  readonly bytes: number;
  readonly #handle: FileHandle;

  constructor(handle: FileHandle, bytes: number) {
    this.#handle = handle;
    this.bytes = bytes;
  }

  async read(offset: number, into: Uint8Array): Promise<number> {
    const { bytesRead } = await this.#handle.read(into, 0, into.length, offset);
    return bytesRead;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

class NodeWriter implements StickWriter {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, offset + done);
      done += bytesWritten;
    }
  }

  async sync(): Promise<void> {
    await this.#handle.sync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
