import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { MemoryDisk } from './memory-disk.js';
import { MemoryDatabase, NO_QUOTAS, openMemoryStore } from './open-memory.js';
import { openStore } from './open.js';
import { storeSuite } from './store.suite.js';

/** Small, so that more than one comes into use. */
const LIMITS = { segmentBytes: 4 * 2 ** 20 };

t.test('on disk', async (t) => {
  storeSuite(t, (t) => {
    const clock = new ManualClock();
    const dir = t.testdir();
    return { clock, open: (options) => openStore({ dir, clock, quotas: options?.quotas ?? NO_QUOTAS, limits: { ...LIMITS, ...options?.limits } }) };
  });
});

t.test('in memory', async (t) => {
  storeSuite(t, () => {
    const clock = new ManualClock();
    const disk = new MemoryDisk();
    const database = new MemoryDatabase();
    return { clock, open: (options) => openMemoryStore({ clock, disk: disk.mount(), database, ...options, limits: { ...LIMITS, ...options?.limits } }) };
  });
});
