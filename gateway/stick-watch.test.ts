import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ManualClock } from '../base/clock.js';
import { PosternError } from '../base/errors.js';
import { findSticks } from '../links/usb/stick-places.js';
import { testKey, testMessage } from './gateway.test-helper.js';
import { openSite } from './stick.test-helper.js';
import type { StickSite } from './stick.test-helper.js';
import type { StickErrand, StickOutcome } from './stick-status.js';
import { StickWatch } from './stick-watch.js';

const [SHIP, SHORE] = [testKey(40), testKey(41)];

async function pair(t: Test): Promise<{ clock: ManualClock; ship: StickSite; shore: StickSite; media: string }> {
  t.testdir();
  const clock = new ManualClock();
  const ship = await openSite(t, clock, { name: 'ship', key: SHIP, neighbours: [{ name: 'shore', role: 'neighbour', key: SHORE, usb: {} }], routes: [{ to: '*', via: 'shore' }] });
  const shore = await openSite(t, clock, { name: 'shore', key: SHORE, neighbours: [{ name: 'ship', role: 'neighbour', key: SHIP, usb: {} }], serves: 'shore.example' });
  const media = join(t.testdirName, 'media');
  await mkdir(media);
  return { clock, ship, shore, media };
}

function watchAt(clock: ManualClock, folders: readonly string[], serve: (errand: StickErrand, dir: string) => Promise<StickOutcome>): { watch: StickWatch; said: string[] } {
  const said: string[] = [];
  const say = (event: string): void => void said.push(event);
  return { watch: new StickWatch({ folders, lookEveryMs: 1000, errand: 'visit', find: findSticks, serve, clock, log: { debug: say, info: say, warn: say, error: say } }), said };
}

t.test('a stick that comes is served once, after it was there twice, and again when it comes again', async (t) => {
  const { clock, ship, shore, media } = await pair(t);
  const [pocket, mounted] = [join(t.testdirName, 'pocket'), join(media, 'USB1')];
  await mkdir(pocket);
  const message = testMessage(1, 'shore.example', clock);
  await ship.submit([message]);
  await ship.sticks.run('visit', pocket);

  const { watch, said } = watchAt(clock, [media], (errand, dir) => shore.sticks.run(errand, dir));
  await watch.look();
  t.same(watch.status(), { folders: [media], missing: [], sticks: [] });
  await rename(pocket, mounted);
  await watch.look();
  t.match(watch.status().sticks, [{ dir: mounted, state: 'new' }]);
  t.same(await shore.states([message]), [undefined], 'not yet: it may still be being mounted');
  await watch.look();
  t.match(watch.status().sticks, [{ dir: mounted, state: 'served' }]);
  t.same(await shore.states([message]), ['held']);
  await watch.look();
  await watch.look();
  t.same(said, ['a stick has come', 'a stick may be pulled out'], 'once');

  await rename(mounted, pocket);
  await watch.look();
  t.same(watch.status().sticks, []);
  await ship.sticks.run('visit', pocket);
  t.same(await ship.states([message]), ['forwarded'], 'the receipt was put on it at once');
  await ship.submit([testMessage(2, 'shore.example', clock)]);
  await ship.sticks.run('visit', pocket);
  await rename(pocket, mounted);
  await watch.look();
  await watch.look();
  t.match(shore.sticks.job(), { state: 'done', outcome: { imported: { records: 1 } } });
});

t.test('what is not ours is not touched: a stick without our folder, a link, a folder deep below, somebody in the way', async (t) => {
  const { clock, media } = await pair(t);
  const served: string[] = [];
  const { watch } = watchAt(clock, [media, join(media, 'not-there')], async (_, dir) => {
    served.push(dir);
    throw new PosternError('LINK_STICK', 'no', { dir, reason: 'gone' });
  });
  await mkdir(join(media, 'holiday', 'photos', 'deep', 'POSTERN'), { recursive: true });
  await mkdir(join(media, 'kim', 'USB2', 'POSTERN'), { recursive: true });
  await mkdir(join(t.testdirName, 'elsewhere', 'POSTERN'), { recursive: true });
  await symlink(join(t.testdirName, 'elsewhere'), join(media, 'link'));
  await writeFile(join(media, 'POSTERN.txt'), '');
  for (let i = 0; i < 4; i += 1) await watch.look();
  t.same(served, [join(media, 'kim', 'USB2')], 'one level for the user is fine; and one that failed is left alone');
  t.match(watch.status(), { missing: [join(media, 'not-there')], sticks: [{ state: 'failed', code: 'LINK_STICK' }] });
  t.same(await readdir(join(media, 'holiday')), ['photos']);
});

t.test('while another stick is served by hand, one that comes waits for its turn', async (t) => {
  const { clock, shore, media } = await pair(t);
  await mkdir(join(media, 'USB3', 'POSTERN'), { recursive: true });
  const byHand = join(t.testdirName, 'by-hand');
  await mkdir(byHand);
  const { watch } = watchAt(clock, [media], (errand, dir) => shore.sticks.run(errand, dir));
  await watch.look();
  const hand = shore.sticks.run('visit', byHand);
  await watch.look();
  t.match(watch.status().sticks, [{ state: 'new' }]);
  await hand;
  await watch.look();
  t.match(watch.status().sticks, [{ state: 'served' }]);
  await rm(join(media, 'USB3'), { recursive: true });
  watch.stop();
  watch.stop();
});
