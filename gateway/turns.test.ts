/** Small mail beside a large blob on a link that carries one unit at a time. */
import t from 'tap';
import { openTestPair, stateAt, submit, testMessage, type TestMessage, type TestPair, type TestPairOptions } from './gateway.test-helper.js';
import { always } from '../plan/contact.js';

const UNIT_BYTES = 100_000;
const LARGE_UNITS = 20;
const BOTH = { largeBlobBytes: 65_536 };
/** With and without a choice among what is due. */
const WAYS: Readonly<Record<string, TestPairOptions>> = {
  'in the order in which it is due': { both: BOTH },
  'by priority': { both: { ...BOTH, priority: { rules: [] } }, planAtA: { contacts: always({ rateBytesPerSec: 1_000_000, lightTimeMs: 0 }) } },
};

/** Calls `before` ahead of each unit, with its number. */
function watchUnits({ ab }: TestPair, before: (unit: number) => Promise<void>): void {
  const send = ab.send.bind(ab);
  let unit = 0;
  ab.send = async (freight) => {
    await before((unit += 1));
    return send(freight);
  };
}

for (const [way, options] of Object.entries(WAYS)) {
  t.test(`a small message handed in while a large blob crosses, ${way}, leaves with the next load or the one after`, async (t) => {
    const pair = await openTestPair({ ...options, supports: { largestBytes: UNIT_BYTES, parallel: 1 } });
    const large = testMessage(1, 'example.org', pair.clock, LARGE_UNITS * UNIT_BYTES);
    const small = testMessage(2, 'example.org', pair.clock, 500);
    let arrivedBefore = 0;
    watchUnits(pair, async (unit) => {
      if (unit === 5) await submit(pair.a, [small]);
      if (arrivedBefore === 0 && (await stateAt(pair.b, small)) === 'held') arrivedBefore = unit;
    });
    await submit(pair.a, [large]);
    await pair.settle();
    t.ok(arrivedBefore > 5 && arrivedBefore <= 8, `there before unit ${arrivedBefore}`);
    t.equal(await stateAt(pair.a, large), 'forwarded');
  });

  t.test(`a second large blob begins when the first has crossed, ${way}`, async (t) => {
    const pair = await openTestPair({ ...options, supports: { largestBytes: UNIT_BYTES, parallel: 1 } });
    const [first, second] = [testMessage(1, 'example.org', pair.clock, LARGE_UNITS * UNIT_BYTES), testMessage(2, 'example.org', pair.clock, LARGE_UNITS * UNIT_BYTES)];
    let begunBefore = 0;
    watchUnits(pair, async (unit) => {
      if (unit === 5) await submit(pair.a, [second]);
      if (begunBefore === 0 && ((await pair.a.store.find(second.record.rid))?.schedule?.attempts ?? 0) > 0) begunBefore = unit;
    });
    await submit(pair.a, [first]);
    await pair.settle();
    t.ok(begunBefore > LARGE_UNITS, `begun before unit ${begunBefore}`);
    for (const message of [first, second]) t.equal(await stateAt(pair.a, message), 'forwarded');
  });

  t.test(`mail without end does not keep a large blob from crossing, ${way}`, async (t) => {
    const pair = await openTestPair({ ...options, supports: { largestBytes: UNIT_BYTES, parallel: 1 } });
    const large = testMessage(1, 'example.org', pair.clock, LARGE_UNITS * UNIT_BYTES);
    const small: TestMessage[] = [];
    let largeThere = 0;
    watchUnits(pair, async (unit) => {
      if (unit <= 3 * LARGE_UNITS) {
        small.push(testMessage(100 + unit, 'example.org', pair.clock, 60_000));
        await submit(pair.a, small.slice(-1));
      }
      if (largeThere === 0 && (await stateAt(pair.b, large)) === 'held') largeThere = unit;
    });
    await submit(pair.a, [large]);
    await pair.settle();
    t.ok(largeThere > 1.5 * LARGE_UNITS && largeThere < 2.5 * LARGE_UNITS, `there before unit ${largeThere}`);
    for (const message of small) t.equal(await stateAt(pair.b, message), 'held');
  });
}
