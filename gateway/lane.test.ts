import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { seededRandom } from '../base/random.js';
import { always, listed } from '../plan/contact.js';
import type { Link } from '../links/link.js';
import { openMemoryStore } from '../store/open-memory.js';
import { BudgetKeeper } from './budget-keeper.js';
import { Lane } from './lane.js';
import { MemoryLink } from './gateway.test-helper.js';

const RETRY = { firstMs: 1000, capMs: 1000 };
const DAY_MS = 86_400_000;
const START_MS = 1_800_000_000_000;
const CONTACT = { startMs: START_MS, endMs: START_MS + 100_000, rateBytesPerSec: 1000, lightTimeMs: 1_200_000 };

function laneOf(link: Link): Lane {
  return new Lane(link, RETRY, RETRY, { contacts: listed([CONTACT]) });
}

t.test('what is under way takes its place in the contact', async (t) => {
  const lane = laneOf(new MemoryLink('far/tcpcl'));
  t.equal(lane.roomBytes(START_MS), 100_000);
  const passage = lane.begin(30_000);
  t.equal(lane.roomBytes(START_MS), 70_000);
  passage.end();
  t.equal(lane.roomBytes(START_MS + 30_000), 70_000);
  t.equal(lane.roomBytes(START_MS + 100_000), 0, 'and after its end there is none');
});

t.test('a wait that was begun before time went back is over, after a restart too', async (t) => {
  const store = await openMemoryStore({ clock: new ManualClock() });
  const lane = new Lane(new MemoryLink('far/tcpcl'), RETRY, RETRY);
  await lane.failed(store, START_MS + 60 * DAY_MS, seededRandom(1), 'down');
  const restarted = new Lane(new MemoryLink('far/tcpcl'), RETRY, RETRY);
  await restarted.restore(store);
  for (const waiting of [lane, restarted]) {
    t.notOk(waiting.isOpen(START_MS + 60 * DAY_MS));
    t.ok(waiting.isOpen(START_MS));
    t.equal(waiting.opensAtMs(START_MS), undefined);
  }
});

t.test('what has left takes no place twice, where a send lasts for a light time there and back', async (t) => {
  let backlogBytes = 0;
  const link = Object.assign(new MemoryLink('far/ltp', { keepsContacts: true, parallel: 100 }), { backlogBytes: () => backlogBytes });
  const lane = laneOf(link);
  for (let send = 0; send < 9; send++) lane.begin(10_000);
  backlogBytes = 90_000;
  t.equal(lane.roomBytes(START_MS), 10_000);
  // All of it has left, and no answer can be here for 40 minutes.
  backlogBytes = 0;
  t.equal(lane.roomBytes(START_MS + 90_000), 10_000, 'the rest of the contact is still to be had');
});

t.test('of a budget in minutes it books what a send may take, light there and back with it, and no send takes more', async (t) => {
  const limits = [{ per: 'day', minutes: 50 }] as const;
  const terms = { price: { perMegabyte: 0, perMinute: 0, perSession: 0, minimum: 0, stepBytes: 1 }, limits, alertPercent: 80, monthBeginsOn: 1 };
  const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const budget = await BudgetKeeper.open({ link: 'far/tcpcl', terms, currency: 'EUR', file: { name: 'none', read: async () => undefined, write: async () => undefined }, nowMs: () => START_MS, log: silent });
  const lane = new Lane(new MemoryLink('far/tcpcl'), RETRY, RETRY, { contacts: always({ rateBytesPerSec: 1000, lightTimeMs: 1_200_000 }), budget });
  t.equal(lane.roomBytes(START_MS), 284_499, 'fifty minutes without forty of light and half a one, of which half are counted on');
  const cost = lane.costOf(100_000, START_MS);
  t.equal(cost.ms, 2_400_000 + 31_000 + 200_000);
  t.equal(lane.timeLimitMs(cost, START_MS), cost.ms - 1000);
  t.ok(lane.isOpen(START_MS));
  t.match(await lane.pay(cost), { kind: 'allowed' });
  t.equal(lane.roomBytes(START_MS), 0);
  t.notOk(lane.isOpen(START_MS), 'what is left is less than light takes');
  t.equal(lane.opensAtMs(START_MS), Math.ceil(START_MS / DAY_MS) * DAY_MS);
});

t.test('a link without a rate has no end', async (t) => {
  const lane = new Lane(new MemoryLink('far/https'), RETRY, RETRY, { contacts: always({ rateBytesPerSec: Number.POSITIVE_INFINITY, lightTimeMs: 0 }) });
  lane.begin(1e9);
  t.equal(lane.roomBytes(START_MS), Number.POSITIVE_INFINITY);
});
