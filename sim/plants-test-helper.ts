/**
 * Bugs on purpose, one at least for each rule that sim/checks.ts watches over: what a gateway would do that broke it. Each takes the place of a part of
 * the gateway, or of what it stands on; the checks are not told.
 */
import { toBase64url } from '../base/bytes.js';
import type { BudgetKeeper } from '../gateway/budget-keeper.js';
import { always } from '../plan/contact.js';
import type { Disk } from '../store/disk.js';
import type { BlobSource, Store } from '../store/store.js';
import type { Rule } from './checks.js';
import type { Plant } from './world-face.js';

export interface PlantedBug {
  readonly rule: Rule;
  /** What is wrong, as its patch would say. */
  readonly bug: string;
  /** The first seed that finds it, with what sim/random-scenario.ts draws now: where a test begins to look. */
  readonly from: number;
  /** Made anew for each run. */
  make(): Plant;
}

const HOUR_MS = 3_600_000;
/** A step of a record is an entry of the log of this size at the most; a record is larger. */
const SMALL_WRITE_BYTES = 256;
const NEVER_MS = 400 * 86_400_000;

export const PLANTED_BUGS: readonly PlantedBug[] = [
  { rule: 'lost', bug: 'a hold does not wait for the disk', from: 2, make: () => ({ disk: (disk) => unsynced(disk, () => true) }) },
  {
    rule: 'receipt-before-hold',
    bug: 'every third batch is receipted without having been held', from: 1,
    make: () => {
      let calls = 0;
      return store((held) => ({ hold: async (entries) => (++calls % 3 === 0 ? entries.map(() => ({ kind: 'held' as const })) : held.hold(entries)) }));
    },
  },
  {
    rule: 'released-early',
    bug: 'a record is let go when the link has taken it', from: 2,
    make: () =>
      store((held) => ({
        reschedule: async (changes) => {
          await held.reschedule(changes);
          const sent = changes.filter(({ schedule }) => schedule.attempts > 0 && schedule.target.startsWith('peer:'));
          await held.step(sent.map(({ rid, schedule }) => ({ rid, state: 'forwarded', to: schedule.target.slice('peer:'.length) })));
        },
      })),
  },
  { rule: 'expired-early', bug: 'expiry is looked at three days ahead', from: 3, make: () => store((held) => ({ expire: (nowMs, limit) => held.expire(nowMs + 72 * HOUR_MS, limit) })) },
  {
    rule: 'served-wrong',
    bug: 'a blob that is served has a bit turned', from: 1,
    make: () =>
      store((held) => ({
        blob: async (rid) => {
          const source = await held.blob(rid);
          const stored = await held.find(rid);
          return source !== undefined && stored?.schedule?.target.startsWith('served:') === true ? turned(source) : source;
        },
      })),
  },
  { rule: 'quota', bug: 'nobody looks at the quota of a peer', from: 32, make: () => ({ quotas: ({ destination }) => ({ peer: () => ({ bytes: Infinity, byteSeconds: Infinity }), destination }) }) },
  {
    rule: 'id-leaked',
    bug: 'a fetch is logged with its message id', from: 1,
    make: () => ({
      gateway: (gateway) => {
        const fetch = gateway.fetch.bind(gateway);
        gateway.fetch = (messageId, suits) => {
          gateway.context.log.debug('fetch', { reason: toBase64url(messageId) });
          return fetch(messageId, suits);
        };
      },
    }),
  },
  { rule: 'out-of-contact', bug: 'a link with contacts is taken for one that is always there', from: 1, make: () => ({ lanePlan: (plan) => ({ ...plan, contacts: always({ rateBytesPerSec: Infinity, lightTimeMs: 0 }) }) }) },
  { rule: 'over-budget', bug: 'the ledger of a budget is not written', from: 8, make: () => ({ ledger: (file) => ({ ...file, write: () => Promise.resolve() }) }) },
  { rule: 'over-budget', bug: 'minutes are counted when they are over, and not before', from: 363, make: () => ({ lanePlan: (plan) => ({ ...plan, budget: plan.budget && unbooked(plan.budget) }) }) },
  { rule: 'over-budget', bug: 'a send is not cut off when its minutes are over', from: 33, make: () => ({ link: (link) => differing(link, { send: (freight) => link.send(freight, new AbortController().signal) }) }) },
  {
    rule: 'duplicate',
    bug: 'an acceptance changes nothing', from: 3,
    make: () => store((held) => ({ step: async (steps) => (steps.some(({ state }) => state === 'accepted') ? steps.map(() => false) : held.step(steps)) })),
  },
  { rule: 'came-back', bug: 'steps do not wait for the disk', from: 2, make: () => ({ disk: (disk) => unsynced(disk, (bytes) => bytes < SMALL_WRITE_BYTES) }) },
  {
    rule: 'fault',
    bug: 'every fiftieth look into a queue fails', from: 1,
    make: () => {
      let calls = 0;
      return store((held) => ({
        due: (target, nowMs, limit) => {
          if (++calls % 50 === 0) throw new Error('a bug');
          return held.due(target, nowMs, limit);
        },
      }));
    },
  },
  {
    rule: 'liveness',
    bug: 'what was sent once is never sent again', from: 4,
    make: () => store((held) => ({ reschedule: (changes) => held.reschedule(changes.map(({ rid, schedule }) => ({ rid, schedule: schedule.attempts > 0 ? { ...schedule, dueMs: schedule.dueMs + NEVER_MS } : schedule }))), hurry: () => Promise.resolve(0) })),
  },
];

/** An object of a class that does some things differently. */
function differing<Whole extends object>(whole: Whole, change: Partial<Whole>): Whole {
  return new Proxy(whole, {
    get(target, key) {
      const value: unknown = Reflect.get(key in change ? change : target, key);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function unbooked(budget: BudgetKeeper): BudgetKeeper {
  return differing(budget, { spend: (outlay) => budget.spend({ ...outlay, ms: 0 }) });
}

/** A store that does some things differently. */
function store(change: (held: Store) => Partial<Store>): Plant {
  return { store: (watched) => ({ ...watched, ...change(watched) }) };
}

/** A disk on which some writes are not durable when they should be. */
function unsynced(disk: Disk, isHit: (bytes: number) => boolean): Disk {
  return {
    ...disk,
    async open(path, mode) {
      if (mode !== 'durable') return disk.open(path, mode);
      const [quick, safe] = [await disk.open(path, 'write'), await disk.open(path, mode)];
      return { ...safe, write: (offset, bytes) => (isHit(bytes.length) ? quick : safe).write(offset, bytes) };
    },
  };
}

function turned(source: BlobSource): BlobSource {
  return {
    ...source,
    bytes: source.bytes,
    async read(startByte, endByte, into) {
      const bytes = await source.read(startByte, endByte, into);
      if (bytes.length > 0) bytes[0] = (bytes[0] ?? 0) ^ 1;
      return bytes;
    },
  };
}
