/** Sticks that forget, fail and die: the store's disk in memory, which forgets what was not synced, seen as a stick. */
import type { MemoryDisk } from '../../store/memory-disk.js';
import { fault } from '../../store/memory-disk.js';
import type { StickDisk } from './stick-disk.js';

/** @param dirs folders that are there: in that disk a folder is only the beginning of names */
export function forgetfulStick(memory: MemoryDisk, dirs: readonly string[]): StickDisk {
  const disk = memory.mount();
  const folders = new Set(dirs);
  const isFolder = (path: string): boolean => folders.has(path) || memory.paths().some((name) => name.startsWith(`${path}/`));
  return {
    async look(path) {
      if (memory.has(path)) return { kind: 'file', bytes: memory.find(path).bytes.length, changedMs: 0 };
      return isFolder(path) ? { kind: 'folder', bytes: 0, changedMs: 0 } : undefined;
    },
    async list(dir, most) {
      if (!isFolder(dir)) throw fault('ENOENT', dir);
      const names = new Set([...folders, ...memory.paths()].filter((path) => path.startsWith(`${dir}/`)).map((path) => path.slice(dir.length + 1).split('/')[0] ?? ''));
      return [...names].slice(0, most);
    },
    async open(path) {
      const file = await disk.open(path, 'read');
      return { bytes: await file.size(), read: async (offset, into) => (await file.read(offset, into.length, into)).length, close: () => file.close() };
    },
    async create(path) {
      if (memory.has(path)) throw fault('EEXIST', path);
      const file = await disk.open(path, 'write');
      return file;
    },
    rename: (from, to) => disk.rename(from, to),
    async unlink(path) {
      if (!memory.has(path)) throw fault('ENOENT', path);
      await disk.unlink(path);
    },
    async makeDir(dir) {
      folders.add(dir);
    },
    syncDir: (dir) => disk.syncDir(dir),
    freeBytes: (dir) => disk.freeBytes(dir),
  };
}

/** Calls `before` ahead of everything that changes the stick. */
export function watchedStick(disk: StickDisk, before: (step: string, path: string) => Promise<void> | void): StickDisk {
  return {
    ...disk,
    async create(path) {
      await before('create', path);
      const writer = await disk.create(path);
      return {
        async write(offset, bytes) {
          await before('write', path);
          await writer.write(offset, bytes);
        },
        async sync() {
          await before('sync', path);
          await writer.sync();
        },
        close: () => writer.close(),
      };
    },
    async rename(from, to) {
      await before('rename', to);
      await disk.rename(from, to);
    },
    async unlink(path) {
      await before('unlink', path);
      await disk.unlink(path);
    },
    async makeDir(dir) {
      await before('make-dir', dir);
      await disk.makeDir(dir);
    },
    async syncDir(dir) {
      await before('sync-dir', dir);
      await disk.syncDir(dir);
    },
  };
}

