import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { asBuffer, utf8 } from '../base/bytes.js';
import { ManualClock } from '../base/clock.js';
import { nodeStickDisk } from '../links/usb/node-stick-disk.js';
import { testBatch, testKey, testMessage } from './gateway.test-helper.js';
import type { TestMessage } from './gateway.test-helper.js';
import { CLIENT, broughtOf, bundlesOn, newStick, openSite } from './stick.test-helper.js';
import type { SiteOptions, StickSite } from './stick.test-helper.js';

const SHIP = testKey(40);
const SHORE = testKey(41);
const DAY_MS = 86_400_000;

/** ship --stick--> shore --> shore.example */
async function pair(t: Test, settings: { usb?: object; ship?: Partial<SiteOptions>; shore?: Partial<SiteOptions> } = {}): Promise<{ clock: ManualClock; ship: StickSite; shore: StickSite; stick: string }> {
  t.testdir();
  const clock = new ManualClock();
  const usb = settings.usb ?? {};
  const ship = await openSite(t, clock, { name: 'ship', key: SHIP, neighbours: [{ name: 'shore', role: 'neighbour', key: SHORE, usb }], routes: [{ to: '*', via: 'shore' }], serves: 'ship.example', ...settings.ship });
  const shore = await openSite(t, clock, { name: 'shore', key: SHORE, neighbours: [{ name: 'ship', role: 'neighbour', key: SHIP, usb }], routes: [{ to: 'ship.example', via: 'ship' }], serves: 'shore.example', ...settings.shore });
  return { clock, ship, shore, stick: await newStick(t) };
}

t.test('messages cross by stick alone, and their receipts come home on it', async (t) => {
  const { clock, ship, shore, stick } = await pair(t);
  const messages = [1, 2, 3].map((seed) => testMessage(seed, 'shore.example', clock));
  await ship.submit(messages);

  const out = await ship.sticks.run('visit', stick);
  broughtOf(t, out, { files: 0, quarantined: [] });
  t.match(out, { exported: { peers: [{ peer: 'shore', files: 1, records: 3, left: 0 }] }, safeToRemove: true });
  t.same(await ship.states(messages), ['held', 'held', 'held'], 'custody stays until the receipt is home');

  const there = await shore.sticks.run('visit', stick);
  broughtOf(t, there, { files: 1, records: 3, refusedRecords: 0, quarantined: [] });
  t.match(there, { exported: { peers: [{ peer: 'ship', files: 1, controls: 1 }] } });
  t.equal(there.stick, out.stick, 'the stick is the same for everybody');
  t.same(await shore.states(messages), ['held', 'held', 'held']);

  const home = await ship.sticks.run('visit', stick);
  broughtOf(t, home, { files: 1, quarantined: [] });
  t.equal(home.removed, 1);
  t.same(await ship.states(messages), ['forwarded', 'forwarded', 'forwarded']);
  t.equal((await bundlesOn(stick)).length, 1, "the ship's file is gone, and the shore's is left to the shore");

  t.match(await shore.sticks.run('visit', stick), { imported: { known: 0 }, removed: 0 });
  const { known } = ship.sticks.status();
  t.same(known.map(({ id }) => id), [out.stick]);
  t.same(known[0]?.events.map(({ kind }) => kind), ['out', 'receipt', 'in', 'removed']);
});

t.test('a stick that is found shows no domain, no record and no message', async (t) => {
  const { clock, ship, stick } = await pair(t);
  const message = testMessage(4, 'secret-destination.example', clock);
  await ship.submit([message]);
  await ship.sticks.run('export', stick);
  for (const name of await readdir(join(stick, 'POSTERN'))) {
    const bytes = await readFile(join(stick, 'POSTERN', name));
    const canaries = [utf8('secret-destination'), utf8('example'), message.record.rid, message.record.locator, message.record.blobHash, message.blob, message.messageId];
    for (const canary of canaries) t.notOk(bytes.includes(asBuffer(canary)), `${name} shows none of it`);
  }
  t.match(await readFile(join(stick, 'POSTERN', 'README.TXT'), 'utf8'), /ship {4}\(dtn:\/\/ship\/\)\r\n/);
  t.same((await readdir(join(stick, 'POSTERN'))).filter((name) => !/^([0-9a-f]{32}\.bnd|README\.TXT|STICK\.ID)$/.test(name)), []);
});

t.test('the receipt for a thousand records is one hash', async (t) => {
  const { clock, ship, shore, stick } = await pair(t);
  const messages = Array.from({ length: 1000 }, (_, i) => testMessage(100 + i, 'shore.example', clock, 40));
  for (let at = 0; at < messages.length; at += 250) await ship.submit(messages.slice(at, at + 250));
  await ship.sticks.run('export', stick);
  await shore.sticks.run('import', stick);
  const answers = await shore.store.outbox('ship', 100);
  const bytes = answers.reduce((sum, entry) => sum + entry.bytes.length, 0);
  t.ok(bytes < 1000, `${bytes} bytes of answers`);
  await shore.sticks.run('export', stick);
  await ship.sticks.run('import', stick);
  t.same([...new Set(await ship.states(messages))], ['forwarded']);
});

t.test('what is on a stick already is not written again, and the same stick twice brings nothing twice', async (t) => {
  const { clock, ship, shore, stick } = await pair(t);
  await ship.submit([testMessage(5, 'shore.example', clock)]);
  await ship.sticks.run('visit', stick);
  t.match(await ship.sticks.run('visit', stick), { exported: { peers: [{ files: 0 }] } });
  await shore.sticks.run('import', stick);
  t.match(await shore.sticks.run('import', stick), { imported: { files: 0, known: 1 } });
  t.equal((await bundlesOn(stick)).length, 1);
});

t.test('a lost stick is made up for: after its time, or at once on the next stick that comes', async (t) => {
  for (const repeatOnNext of [true, false]) {
    await t.test(`repeatOnNext ${repeatOnNext}`, async (t) => {
      const { clock, ship, shore, stick } = await pair(t, { usb: { repeatOnNext, lostAfterMs: 20 * DAY_MS } });
      const message = testMessage(6, 'shore.example', clock, 1000, 60 * 86_400);
      await ship.submit([message]);
      await ship.sticks.run('export', stick);
      const second = await newStick(t, 'second');
      clock.advance(DAY_MS);
      t.match(await ship.sticks.run('export', second), { exported: { peers: [{ records: repeatOnNext ? 1 : 0 }] } });
      clock.advance(20 * DAY_MS);
      const third = await newStick(t, 'third');
      t.match(await ship.sticks.run('export', third), { exported: { peers: [{ records: 1 }] } });
      await shore.sticks.run('visit', third);
      await ship.sticks.run('visit', third);
      t.same(await ship.states([message]), ['forwarded']);
      t.match(await ship.sticks.run('visit', stick), { removed: 1 }, 'the lost stick turns up: its copy is confirmed by now');
    });
  }
});

t.test('a stick that somebody wiped is filled again at once', async (t) => {
  const { clock, ship, stick } = await pair(t);
  await ship.submit([testMessage(7, 'shore.example', clock)]);
  await ship.sticks.run('export', stick);
  for (const name of await bundlesOn(stick)) await rm(join(stick, 'POSTERN', name));
  t.match(await ship.sticks.run('visit', stick), { missing: 1, exported: { peers: [{ records: 1 }] } });
  t.equal((await bundlesOn(stick)).length, 1);
});

t.test('a large blob goes whole, unasked, and in several files where one would be too large', async (t) => {
  const { clock, ship, shore, stick } = await pair(t, { usb: { largestBytes: 300_000 }, ship: { largeBlobBytes: 65_536 }, shore: { largeBlobBytes: 65_536 } });
  const [large, small] = [testMessage(8, 'shore.example', clock, 1_000_000), testMessage(9, 'shore.example', clock)];
  await ship.submit([small]);
  await ship.gateway.takeBatch(testBatch(CLIENT, SHIP, [large]), 'direct');
  t.match(await ship.sticks.run('export', stick), { exported: { peers: [{ records: 2, left: 0 }] } });
  const names = await bundlesOn(stick);
  t.ok(names.length >= 4, `${names.length} files`);
  for (const name of names) t.ok((await stat(join(stick, 'POSTERN', name))).size <= 300_000);
  broughtOf(t, await shore.sticks.run('visit', stick), { refusedRecords: 0, quarantined: [] });
  t.same(await shore.states([large, small]), ['held', 'held']);
  await ship.sticks.run('visit', stick);
  t.same(await ship.states([large, small]), ['forwarded', 'forwarded']);
});

t.test('a stick is filled by priority, then by expiry, and a share of it stays for what is urgent and comes late', async (t) => {
  let freeBytes = 55_000;
  const rules = (['bulk', 'high', 'urgent'] as const).map((name) => ({ to: `${name}.example`, class: name }));
  const disk = { ...nodeStickDisk, freeBytes: () => Promise.resolve(freeBytes) };
  const { clock, ship, stick } = await pair(t, { usb: { reservePercent: 30 }, ship: { priority: { rules }, stick: { reserveBytes: 0 }, disk } });
  const make = (seed: number, name: string, hours = 48): TestMessage => testMessage(seed, `${name}.example`, clock, 10_000, hours * 3600);
  const [bulk, late, soon, high, urgent] = [make(21, 'bulk', 2), make(22, 'normal', 40), make(23, 'normal', 20), make(24, 'high'), make(25, 'urgent')];
  const isOn = async (message: TestMessage): Promise<boolean> => (await ship.store.find(message.record.rid))?.schedule?.attempts === 1;
  const went = (messages: readonly TestMessage[]): Promise<boolean[]> => Promise.all(messages.map(isOn));
  await ship.submit([bulk, late, soon, high]);
  t.match(await ship.sticks.run('export', stick), { exported: { peers: [{ records: 3, left: 1 }] } });
  t.same(await went([high, soon, late, bulk]), [true, true, true, false], 'what is bulk waits, however soon it expires');
  freeBytes = 20_000;
  await ship.submit([urgent]);
  t.match(await ship.sticks.run('export', stick), { exported: { peers: [{ records: 1, left: 1 }] } });
  t.same(await went([urgent, bulk]), [true, false], 'what is urgent may use all of the room');
});

t.test('what has waited long is not starved by what is new', async (t) => {
  let freeBytes = 22_000;
  const rules = [{ to: 'bulk.example', class: 'bulk' as const }];
  const disk = { ...nodeStickDisk, freeBytes: () => Promise.resolve(freeBytes) };
  const { clock, ship, stick } = await pair(t, { usb: { repeatOnNext: false }, ship: { priority: { rules, ageingMs: DAY_MS }, stick: { reserveBytes: 0 }, disk } });
  const old = testMessage(31, 'bulk.example', clock, 10_000, 9 * 86_400);
  await ship.submit([old]);
  clock.advance(3 * DAY_MS);
  const fresh = [32, 33, 34].map((seed) => testMessage(seed, 'normal.example', clock, 10_000, 2 * 86_400));
  await ship.submit(fresh);
  t.match(await ship.sticks.run('export', stick), { exported: { peers: [{ records: 1, left: 3 }] } });
  t.equal((await ship.store.find(old.record.rid))?.schedule?.attempts, 1, 'the old one went');
  freeBytes = 100_000;
  t.match(await ship.sticks.run('export', stick), { exported: { peers: [{ records: 3, left: 0 }] } });
});

t.test('one stick at a time', async (t) => {
  const { ship, stick } = await pair(t);
  const first = ship.sticks.run('visit', stick);
  t.throws(() => ship.sticks.run('visit', stick), { code: 'GATEWAY_STICK_BUSY' });
  await first;
  t.match(ship.sticks.job(), { state: 'done', outcome: { safeToRemove: true } });
  await t.rejects(ship.sticks.run('import', join(stick, 'nowhere')), { code: 'LINK_STICK', data: { reason: 'missing' } });
  t.match(ship.sticks.job(), { state: 'failed', code: 'LINK_STICK' });
});
