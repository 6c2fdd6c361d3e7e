import t from 'tap';
import type { Report } from './report.js';
import { runScenario } from './run-scenario.js';
import { parseScenario } from './scenario-file.js';

/** A relay, a stick that gets lost, a price, windows, and a link that breaks. */
const TEXT = `
name: accounts
about: Everything that a report counts.
lasts: 12 h
settles: 2 d
nodes:
  earth: { serves: [earth.example], routes: [{ to: mars.example, via: relay }, { to: village.example, via: village }] }
  relay: { routes: [{ to: mars.example, via: mars }, { to: earth.example, via: earth }] }
  mars: { serves: [mars.example], routes: [{ to: earth.example, via: relay }] }
  village: { serves: [village.example], routes: [{ to: earth.example, via: earth }] }
links:
  - { between: [earth, relay], rate: 20 kbit/s, delay: 8 min, windows: { first: 30 min, every: 3 h, open: 1 h }, loss: { probability: 0.05 } }
  - { between: [relay, mars], reliable: false, rate: 9600 bit/s, delay: 20 ms, loss: { probability: 0.1 }, budget: { currency: USD, price: { perMegabyte: 2, perSession: 0.01 } } }
couriers:
  - { between: [earth, village], first: 1 h, every: 4 h, travel: 40 min, lost: 0.5, returnsAfter: 30 min }
traffic:
  - { from: earth.example, to: mars.example, perDay: 40, size: [500 B, 6 KiB], lifetime: 4 d }
  - { from: mars.example, to: earth.example, perDay: 20, size: 1 KiB, lifetime: 4 d }
  - { from: village.example, to: earth.example, perDay: 12, size: 1 KiB, lifetime: 4 d }
faults:
  - { kind: cut, link: earth-relay, at: 4 h, lasts: 3 min }
expect: { deliveredAtLeast: 1, lostAtLeast: 1, moneyAtLeast: 0.1, moneyAtMost: 0.01 }
`;

let report: Report;

t.before(async () => {
  report = await runScenario(parseScenario(TEXT, 'accounts.yaml'), { seed: 3 });
});

t.test('every byte on a link has one cause', async (t) => {
  const { overhead, links } = report;
  for (const link of links) t.equal(sum(link.causes) + link.repeatedBytes, link.bytes, link.name);
  t.equal(sum(overhead.causes), overhead.linkBytes);
  for (const cause of ['payload', 'records', 'again', 'receipts', 'openings', 'framing', 'repeatedByLink'] as const) t.ok(overhead.causes[cause] > 0, `some bytes are ${cause}`);
  t.ok(overhead.lostBytes > 0);
});

t.test('each contact says how it was used, and what it carried adds up', async (t) => {
  const own = report.contacts.filter(({ way }) => way === 'earth-relay earth>relay');
  t.equal(own.length, Math.ceil((report.simulatedSec - 1800) / 10_800));
  t.ok(own.some(({ units }) => units === 0) && own.some(({ units }) => units > 0));
  t.equal(own.reduce((bytes, contact) => bytes + contact.bytes, 0), report.links.find(({ name }) => name === 'earth-relay earth>relay')!.bytes - report.links[0]!.repeatedBytes);
  for (const { busy } of report.contacts) t.ok(busy >= 0 && busy <= 1);
  t.notOk(report.contacts.some(({ way }) => way.startsWith('relay-mars')), 'a link without windows has none');
});

t.test('delays, stays and the story of one message agree with each other', async (t) => {
  const { latencySec, custodyOfOne, retentionSec, delivery } = report;
  const { p10, p25, p50, p75, p90, p99, max, cdf } = latencySec;
  const rising = [p10, p25, p50, p75, p90, p99, max];
  t.same([...rising].sort((a, b) => a - b), rising);
  t.same(cdf.at(-1), [max, 1]);
  t.ok(Math.abs(custodyOfOne!.deliveredSec! - custodyOfOne!.createdSec - max) < 1e-6, 'the story is that of the slowest');
  t.ok(custodyOfOne!.legs.length >= custodyOfOne!.hops.length - 1);
  t.equal(retentionSec.find(({ node }) => node === 'earth')!.messages, delivery.delivered);
  t.same(report.occupancy.map(({ node }) => node), ['earth', 'relay', 'mars', 'village']);
  for (const { samples, mostRecords } of report.occupancy) t.equal(Math.max(...samples.map(([, records]) => records)), mostRecords);
});

t.test('money is counted by the price of the link, and an expectation that is missed fails the run', async (t) => {
  const paid = report.links.find(({ name }) => name === 'relay-mars relay>mars')!;
  t.equal(report.money.USD, paid.money);
  t.ok(Math.abs(paid.money! - (paid.bytes * 2e-6 + paid.units * 0.01)) < 1e-3 * paid.units);
  t.same(report.expectations.map(({ met }) => met), [true, true, true, false]);
  t.same(report.violations, []);
  t.notOk(report.passed);
});

function sum(causes: object): number {
  return Object.values(causes as Record<string, number>).reduce((total, bytes) => total + bytes, 0);
}
