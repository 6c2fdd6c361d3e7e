/** Disk and index of a simulated node, with the checks reading along what is written. */
import type { Disk } from '../store/disk.js';
import type { KeyValue } from '../store/key-value.js';
import type { Checks } from './checks.js';

export function watchDisk(disk: Disk, node: string, checks: Checks): Disk {
  return {
    async open(path, mode) {
      const file = await disk.open(path, mode);
      return {
        read: (offset, length, into) => file.read(offset, length, into),
        write: (offset, bytes) => {
          checks.written(node, 'its disk', bytes);
          return file.write(offset, bytes);
        },
        sync: () => file.sync(),
        size: () => file.size(),
        close: () => file.close(),
      };
    },
    rename: (from, to) => disk.rename(from, to),
    unlink: (path) => disk.unlink(path),
    list: (dir) => disk.list(dir),
    makeDir: (dir) => disk.makeDir(dir),
    syncDir: (dir) => disk.syncDir(dir),
    freeBytes: (dir) => disk.freeBytes(dir),
  };
}

export interface IndexDatabase {
  open(): Promise<KeyValue>;
  destroy(): Promise<void>;
}

export function watchDatabase(database: IndexDatabase, node: string, checks: Checks): IndexDatabase {
  return {
    async open() {
      const index = await database.open();
      return {
        ...index,
        batch: () => {
          const batch = index.batch();
          return {
            put: (key, value) => {
              checks.written(node, 'its index', key);
              checks.written(node, 'its index', value);
              return batch.put(key, value);
            },
            del: (key) => batch.del(key),
            write: () => batch.write(),
          };
        },
      };
    },
    destroy: () => database.destroy(),
  };
}
