import t from 'tap';
import fc from 'fast-check';
import { always, anyOf, contactsBetween, listed, nextTimeIn, repeated, sendingMs, volumeLeft } from './contact.js';
import type { Contact, ContactSource } from './contact.js';
import { cronFault, scheduled } from './cron-contacts.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const TERMS = { rateBytesPerSec: 1000, lightTimeMs: 0 };
const at = (text: string): number => Date.parse(text);
const starts = (source: ContactSource, from: string, days: number): string[] => contactsBetween(source, at(from), at(from) + days * DAY_MS, 100).map((contact) => new Date(contact.startMs).toISOString().slice(0, 16));

t.test('a contact holds from its start up to its end', async (t) => {
  const source = listed([{ ...TERMS, startMs: 100, endMs: 200 }]);
  t.same([99, 100, 199, 200].map((ms) => source.at(ms) !== undefined), [false, true, true, false]);
  t.same([99, 100].map((ms) => source.next(ms)?.startMs), [100, undefined]);
  t.same([50, 150, 200].map((ms) => nextTimeIn(source, ms)), [100, 150, undefined]);
});

t.test('counts the bytes that still fit', async (t) => {
  const contact: Contact = { startMs: 0, endMs: 10_000, rateBytesPerSec: 1000, lightTimeMs: 0 };
  t.equal(volumeLeft(contact, 0), 10_000);
  t.equal(volumeLeft(contact, -5), 10_000);
  t.equal(volumeLeft(contact, 9_999), 1);
  t.equal(volumeLeft(contact, 10_000), 0);
  t.equal(sendingMs(contact, 10_000), 10_000);
  t.equal(volumeLeft({ ...contact, rateBytesPerSec: Infinity }, 1), Infinity);
});

t.test('a link without contacts always works', async (t) => {
  const source = always(TERMS);
  t.ok(source.at(0));
  t.equal(source.next(0), undefined);
});

t.test('four minutes earlier each day', async (t) => {
  const source = repeated({ firstMs: at('2026-06-01T02:00Z'), everyMs: DAY_MS - 4 * MINUTE_MS, durationMs: 20 * MINUTE_MS, untilMs: at('2026-06-04T00:00Z') }, TERMS);
  t.same(starts(source, '2026-05-30T00:00Z', 10), ['2026-06-01T02:00', '2026-06-02T01:56', '2026-06-03T01:52'], 'and none at or after its until');
  t.equal(source.at(at('2026-06-02T01:55:59Z')), undefined);
  t.equal(source.at(at('2026-06-02T02:15:59Z'))?.endMs, at('2026-06-02T02:16Z'));
  t.equal(source.at(at('2026-06-02T02:16Z')), undefined);
  t.equal(source.next(at('2026-06-03T01:52Z')), undefined);
});

t.test('a rule of a crontab, in its time zone, over the change of summer time', async (t) => {
  const source = scheduled({ cron: '30 1 * * *', timeZone: 'Europe/Berlin', durationMs: HOUR_MS }, TERMS);
  t.same(starts(source, '2026-03-28T12:00Z', 2), ['2026-03-29T00:30', '2026-03-29T23:30']);
  const skipped = scheduled({ cron: '30 2 * * *', timeZone: 'Europe/Berlin', durationMs: HOUR_MS }, TERMS);
  t.same(starts(skipped, '2026-03-28T12:00Z', 3), ['2026-03-29T01:00', '2026-03-30T00:30', '2026-03-31T00:30'], 'an hour that does not exist comes at its end');
  t.same(starts(skipped, '2026-10-24T12:00Z', 2), ['2026-10-25T00:30', '2026-10-26T01:30'], 'an hour that comes twice counts once');
});

t.test('a crontab contact holds to the second', async (t) => {
  const source = scheduled({ cron: '0 2 * * *', timeZone: 'UTC', durationMs: 10 * MINUTE_MS }, TERMS);
  const startMs = at('2026-06-02T02:00Z');
  for (const [ms, open] of [[startMs - 1, false], [startMs, true], [startMs + 500, true], [startMs + 10 * MINUTE_MS - 1, true], [startMs + 10 * MINUTE_MS, false]] as const) t.equal(source.at(ms) !== undefined, open, `${ms - startMs}`);
  t.equal(source.next(startMs - 1)?.startMs, startMs);
  t.equal(source.next(startMs)?.startMs, startMs + DAY_MS);
  t.equal(source.at(startMs - 1), undefined, 'asked backwards, too');
});

t.test('says what is wrong with a crontab rule', async (t) => {
  t.equal(cronFault({ cron: '*/10 2-4 * * 1', timeZone: 'Antarctica/South_Pole' }), undefined);
  t.match(cronFault({ cron: 'often', timeZone: 'UTC' }), /five/);
  t.match(cronFault({ cron: '0 0 30 2 *', timeZone: 'UTC' }), /never/);
  t.match(cronFault({ cron: '0 0 * * *', timeZone: 'Mars/Base' }), /zone/);
});

t.test('of several contacts at a time the fastest counts, then the longest; the next is the earliest', async (t) => {
  const slow: Contact = { startMs: 0, endMs: 100, rateBytesPerSec: 1, lightTimeMs: 0 };
  const fast: Contact = { startMs: 50, endMs: 60, rateBytesPerSec: 9, lightTimeMs: 0 };
  const source = anyOf([listed([slow]), listed([fast, { ...fast, endMs: 70 }])]);
  t.equal(source.at(10)?.rateBytesPerSec, 1);
  t.equal(source.at(55)?.endMs, 70);
  t.equal(source.at(65)?.endMs, 70);
  t.equal(source.at(75)?.endMs, 100);
  t.equal(source.next(10)?.startMs, 50);
});

t.test('a list answers as a look at every entry does', async () => {
  const contact = fc.record({ startMs: fc.nat(100), lengthMs: fc.integer({ min: 1, max: 40 }), rateBytesPerSec: fc.integer({ min: 1, max: 3 }) }).map(({ startMs, lengthMs, rateBytesPerSec }): Contact => ({ startMs, endMs: startMs + lengthMs, rateBytesPerSec, lightTimeMs: 0 }));
  fc.assert(
    fc.property(fc.array(contact, { maxLength: 12 }), fc.nat(150), (contacts, ms) => {
      const source = listed(contacts);
      const holding = contacts.filter(({ startMs, endMs }) => startMs <= ms && ms < endMs);
      const rate = Math.max(...holding.map((one) => one.rateBytesPerSec));
      const endMs = Math.max(...holding.filter((one) => one.rateBytesPerSec === rate).map((one) => one.endMs));
      const found = source.at(ms);
      if (holding.length === 0 ? found !== undefined : found?.rateBytesPerSec !== rate || found.endMs !== endMs) return false;
      const later = contacts.filter(({ startMs }) => startMs > ms).map(({ startMs }) => startMs);
      return source.next(ms)?.startMs === (later.length === 0 ? undefined : Math.min(...later));
    }),
  );
});
