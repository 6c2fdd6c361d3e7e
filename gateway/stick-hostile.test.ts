import { copyFile, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ManualClock } from '../base/clock.js';
import { nodeStickDisk } from '../links/usb/node-stick-disk.js';
import { watchedStick } from '../links/usb/stick-disk.test-helper.js';
import { fault } from '../store/memory-disk.js';
import { testKey, testMessage } from './gateway.test-helper.js';
import { broughtOf, bundlesOn, newStick, openSite } from './stick.test-helper.js';
import type { SiteOptions, StickSite } from './stick.test-helper.js';

const [SHIP, SHORE, ISLE, STRANGER] = [testKey(40), testKey(41), testKey(42), testKey(43)];

async function sites(t: Test, clock: ManualClock, ship: Partial<SiteOptions> = {}): Promise<{ ship: StickSite; shore: StickSite; isle: StickSite }> {
  t.testdir();
  const peer = (name: string, key: typeof SHIP): SiteOptions['neighbours'][number] => ({ name, role: 'neighbour', key, usb: {} });
  return {
    ship: await openSite(t, clock, { name: 'ship', key: SHIP, neighbours: [peer('shore', SHORE), peer('isle', ISLE)], routes: [{ to: 'isle.example', via: 'isle' }, { to: '*', via: 'shore' }], ...ship }),
    shore: await openSite(t, clock, { name: 'shore', key: SHORE, neighbours: [peer('ship', SHIP)], routes: [{ to: '*', via: 'ship' }], serves: 'shore.example' }),
    isle: await openSite(t, clock, { name: 'isle', key: ISLE, neighbours: [peer('ship', SHIP)], routes: [{ to: '*', via: 'ship' }], serves: 'isle.example' }),
  };
}

t.test('bit rot anywhere in a file: it is refused whole, told once, and asked for again', async (t) => {
  const places: [string, (length: number) => number, boolean][] = [
    ['in the manifest', () => 20, false],
    ['in the signature of the manifest', () => 290, false],
    ['in the sealed key', () => 120, false],
    ['at the beginning of the content', (length) => length - 3500, true],
    ['in the middle', (length) => length - 1800, true],
    ['in the last byte', (length) => length - 1, true],
  ];
  const clock = new ManualClock();
  const { ship, shore } = await sites(t, clock);
  const stick = await newStick(t);
  const messages = [1, 2, 3].map((seed) => testMessage(seed, 'shore.example', clock));
  await ship.submit(messages);
  await ship.sticks.run('export', stick);
  const [name = ''] = await bundlesOn(stick);
  const file = join(stick, 'POSTERN', name);
  const whole = await readFile(file);
  for (const [place, at, isAsked] of places) {
    const bytes = Uint8Array.from(whole);
    bytes[at(bytes.length)]! ^= 0x20;
    await writeFile(file, bytes);
    t.match(await shore.sticks.run('import', stick), { imported: { files: 0, records: 0, quarantined: [{ name, reason: /^WIRE_/, before: false }] } }, place);
    t.same(await shore.states(messages), [undefined, undefined, undefined], `${place}: nothing of it was taken`);
    t.match(await shore.sticks.run('import', stick), { imported: { quarantined: [{ before: true }] } }, `${place}: it is not read again`);
    if (isAsked) t.same(shore.ledger.newsFor('ship').damaged, [name.slice(0, 32)], `${place}: the ship will be asked`);
    clock.advance(1000);
  }
  for (const [cut, length] of [['cut short', whole.length - 1], ['longer', whole.length + 1], ['nearly empty', 10]] as const) {
    await writeFile(file, Buffer.concat([whole, Buffer.alloc(1)]).subarray(0, length));
    t.match(await shore.sticks.run('import', stick), { imported: { records: 0, quarantined: [{ reason: /^WIRE_/ }] } }, cut);
  }
  await shore.sticks.run('export', stick);
  t.match(await ship.sticks.run('visit', stick), { removed: 1, exported: { peers: [{ peer: 'shore', records: 3 }, {}] } }, 'the ship writes them anew, and takes the bad file away');
  broughtOf(t, await shore.sticks.run('visit', stick), { records: 3, quarantined: [] });
});

t.test('files from strangers, under wrong names, or of others pretending are not taken', async (t) => {
  const clock = new ManualClock();
  const { ship, shore } = await sites(t, clock);
  const stranger = await openSite(t, clock, { name: 'stranger', key: STRANGER, neighbours: [{ name: 'shore', role: 'neighbour', key: SHORE, usb: {} }], routes: [{ to: '*', via: 'shore' }] });
  const stick = await newStick(t);
  await stranger.submit([testMessage(11, 'shore.example', clock)]);
  await stranger.sticks.run('export', stick);
  t.match(await shore.sticks.run('import', stick), { imported: { records: 0, quarantined: [{ reason: /not known here/ }] } });

  const other = await newStick(t, 'other');
  await ship.submit([testMessage(12, 'shore.example', clock)]);
  await ship.sticks.run('export', other);
  const [name = ''] = await bundlesOn(other);
  await rename(join(other, 'POSTERN', name), join(other, 'POSTERN', `${'0'.repeat(32)}.bnd`));
  t.match(await shore.sticks.run('import', other), { imported: { records: 0, quarantined: [{ reason: /under the name of another/ }] } });
});

t.test('a stick that is full takes what fits, receipts first, and says what waits', async (t) => {
  const clock = new ManualClock();
  let freeBytes = 60_000;
  const { ship, shore } = await sites(t, clock, { stick: { reserveBytes: 0 }, disk: { ...nodeStickDisk, freeBytes: () => Promise.resolve(freeBytes) } });
  const stick = await newStick(t);
  const messages = Array.from({ length: 40 }, (_, i) => testMessage(200 + i, 'shore.example', clock, 4000));
  await ship.submit(messages);
  const first = await ship.sticks.run('visit', stick);
  const written = first.exported?.peers[0]?.records ?? 0;
  t.ok(written > 5 && written < 14, `${written} of 40 went`);
  t.equal(first.exported?.peers[0]?.left, 40 - written);
  broughtOf(t, await shore.sticks.run('visit', stick), { records: written, quarantined: [] });
  freeBytes = 1_000_000;
  t.match(await ship.sticks.run('visit', stick), { removed: 1, exported: { peers: [{ records: 40 - written, left: 0 }, {}] } });
});

t.test('a stick that turns out full in the middle, or is pulled out, changes nothing; the next visit does it all', async (t) => {
  const clock = new ManualClock();
  let broken: string | undefined = 'ENOSPC';
  const disk = watchedStick(nodeStickDisk, (step, path) => {
    if (broken !== undefined && step === 'write' && path.includes('tmp-') && !path.includes('carry')) throw fault(broken, path);
  });
  const { ship, shore } = await sites(t, clock, { disk });
  const stick = await newStick(t);
  broken = undefined;
  await ship.sticks.run('export', stick);
  const messages = [1, 2].map((seed) => testMessage(300 + seed, 'shore.example', clock));
  await ship.submit(messages);
  broken = 'ENOSPC';
  t.match(await ship.sticks.run('visit', stick), { exported: { peers: [{ records: 0, left: 2 }, {}] } });
  broken = 'EIO';
  await t.rejects(ship.sticks.run('visit', stick), { code: 'LINK_STICK', data: { reason: 'gone' } });
  t.same(await bundlesOn(stick), []);
  broken = undefined;
  t.match(await ship.sticks.run('visit', stick), { exported: { peers: [{ records: 2 }, {}] } });
  t.match(await shore.sticks.run('visit', stick), { imported: { records: 2 } });
});

t.test('a stick that takes nothing is imported from, and says so', async (t) => {
  const clock = new ManualClock();
  const { ship, shore } = await sites(t, clock);
  const stick = await newStick(t);
  await ship.submit([testMessage(400, 'shore.example', clock)]);
  await ship.sticks.run('export', stick);
  const before = await bundlesOn(stick);
  const readOnly = watchedStick(nodeStickDisk, (_, path) => {
    if (path.startsWith(stick)) throw fault('EROFS', path);
  });
  const careful = await openSite(t, clock, { name: 'careful', key: SHORE, neighbours: [{ name: 'ship', role: 'neighbour', key: SHIP, usb: {} }], serves: 'shore.example', disk: readOnly });
  t.match(await careful.sticks.run('visit', stick), { imported: { records: 1 }, readOnly: true, safeToRemove: true });
  await t.rejects(careful.sticks.run('export', stick), { code: 'LINK_STICK', data: { reason: 'read-only' } });
  t.same(await bundlesOn(stick), before);
  t.equal((await shore.sticks.run('import', stick)).imported?.records, 1);
});

t.test('one courier serves many sites, and a site in between carries on what is not its own', async (t) => {
  const clock = new ManualClock();
  const { ship, shore, isle } = await sites(t, clock);
  const [toShore, toIsle] = [testMessage(501, 'shore.example', clock), testMessage(502, 'isle.example', clock)];
  await ship.submit([toShore, toIsle]);
  const courier = await newStick(t, 'courier');
  t.match(await ship.sticks.run('visit', courier), { exported: { peers: [{ peer: 'shore', records: 1 }, { peer: 'isle', records: 1 }] } });
  t.match(await shore.sticks.run('visit', courier), { imported: { records: 1, carried: 1 } }, 'the shore knows the ship, and carries for it');

  const ferry = await newStick(t, 'ferry');
  t.match(await shore.sticks.run('visit', ferry), { exported: { carried: 1 } });
  broughtOf(t, await isle.sticks.run('visit', ferry), { records: 1, quarantined: [] }, 'it has come by another stick, and is the file the ship wrote');
  t.same(await isle.states([toIsle]), ['held']);

  t.match(await shore.sticks.run('visit', ferry), { imported: { carried: 1 } }, 'the receipt goes the same way back');
  await shore.sticks.run('visit', courier);
  await ship.sticks.run('visit', courier);
  t.same(await ship.states([toShore, toIsle]), ['forwarded', 'forwarded']);
});

t.test('what is carried for others has a quota and an end, and strangers are not carried for', async (t) => {
  const clock = new ManualClock();
  const { ship } = await sites(t, clock);
  const stick = await newStick(t);
  await ship.submit([testMessage(601, 'isle.example', clock)]);
  await ship.sticks.run('export', stick);
  const between = (name: string, settings: Partial<SiteOptions>): Promise<StickSite> => openSite(t, clock, { name, key: testKey(50), neighbours: [{ name: 'ship', role: 'neighbour', key: SHIP, usb: {} }], ...settings });
  t.match(await (await between('small', { stick: { carryBytes: 100 } })).sticks.run('import', stick), { imported: { carried: 0, passedBy: 1 } });
  t.match(await (await between('alien', { neighbours: [{ name: 'other', role: 'neighbour', key: STRANGER, usb: {} }] })).sticks.run('import', stick), { imported: { carried: 0, passedBy: 1 } });
  const carrier = await between('carrier', {});
  t.match(await carrier.sticks.run('import', stick), { imported: { carried: 1 } });
  t.match(carrier.sticks.status().carried, { files: 1 });
  clock.advance(3 * 86_400_000);
  const next = await newStick(t, 'next');
  t.match(await carrier.sticks.run('export', next), { exported: { carried: 0 } });
  t.match(carrier.sticks.status().carried, { files: 0, bytes: 0 });
  t.equal((await bundlesOn(stick)).length, 1, "the ship's own file on the ship's stick is nobody else's to remove");
});

t.test('an old stick played again moves nothing', async (t) => {
  const clock = new ManualClock();
  const { ship, shore } = await sites(t, clock);
  const stick = await newStick(t);
  const message = testMessage(701, 'shore.example', clock);
  await ship.submit([message]);
  await ship.sticks.run('export', stick);
  const [name = ''] = await bundlesOn(stick);
  const old = await newStick(t, 'old');
  await shore.sticks.run('export', old);
  await copyFile(join(stick, 'POSTERN', name), join(old, 'POSTERN', name));
  await shore.sticks.run('visit', stick);
  await ship.sticks.run('visit', stick);
  t.match(await shore.sticks.run('visit', old), { imported: { files: 0, known: 1 } });
  t.same(await shore.states([message]), ['held']);
  t.same(await ship.states([message]), ['forwarded']);
});
