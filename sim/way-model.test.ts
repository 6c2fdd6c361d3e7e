import t from 'tap';
import { lightTimeSec } from './planets.js';
import { parseScenario } from './scenario-file.js';
import type { LinkPlan } from './scenario-schema.js';
import { longestDelayUs, wayModel } from './way-model.js';

const START_MS = Date.UTC(2026, 5, 1);
const DAY_US = 86_400e6;

function linkOf(lines: string): LinkPlan {
  const text = `name: two\nlasts: 1 d\nnodes:\n  a: { serves: [a.example] }\n  b: {}\nlinks:\n  - between: [a, b]\n${lines.replace(/^/gm, '    ')}\n`;
  return parseScenario(text, 'two.yaml').links[0] as LinkPlan;
}

const PASSES = `windows:
  passes:
    tle: |
      A SATELLITE
      1 99001U 26001A   26152.00000000  .00000000  00000-0  00000-0 0    07
      2 99001  97.6000 200.0000 0010000  90.0000 270.0000 15.05000000    05
    station: { latitude: 52.4, longitude: 13.1, height: 50 m }
    maskDeg: 5`;

t.test('light takes as long as between the planets, and the other way what it takes there', async (t) => {
  const link = linkOf('delay: { from: earth, to: mars }');
  const [there, back] = [wayModel(link, 'there', START_MS), wayModel(link, 'back', START_MS)];
  for (const day of [0, 100, 300]) {
    const leavesMs = START_MS + day * 86_400_000;
    t.ok(Math.abs(there.delayUs(day * DAY_US) / 1e6 - lightTimeSec({ from: 'earth', to: 'mars' }, leavesMs)) < 1e-6);
    t.ok(Math.abs(back.delayUs(day * DAY_US) / 1e6 - lightTimeSec({ from: 'mars', to: 'earth' }, leavesMs)) < 1e-6);
  }
  const own = linkOf('back: { delay: { from: moon, to: earth } }');
  t.ok(wayModel(own, 'back', START_MS).delayUs(0) < 1.4e6, 'what is said of the way back is meant of it');
  t.equal(wayModel(own, 'there', START_MS).delayUs(0), 1000);
});

t.test('a sender waits for the longest light time of the run', async (t) => {
  const model = wayModel(linkOf('delay: { from: earth, to: mars }'), 'there', Date.UTC(2027, 1, 19));
  t.ok(longestDelayUs(model, 365 * DAY_US) > 3 * longestDelayUs(model, 0), 'Mars goes away');
  t.equal(longestDelayUs({ delayUs: () => 7 }, DAY_US), 7);
});

t.test('a rate falls with the square of the distance, to what the radio can do', async (t) => {
  const model = wayModel(linkOf('delay: { from: earth, to: mars }\nrate: { is: 4 Mbit/s, at: 0.5 au, most: 5 Mbit/s }'), 'there', Date.UTC(2026, 0, 1));
  const au = model.delayUs(0) / 499.004784e6;
  const rate = model.pace?.meanBits(0, DAY_US) ?? 0;
  t.ok(Math.abs(rate / (4e6 * (0.5 / au) ** 2) - 1) < 1e-6, `${rate} bit/s at ${au.toFixed(2)} au`);
  const near = wayModel(linkOf('delay: { from: earth, to: moon }\nrate: { is: 4 Mbit/s, at: 0.5 au, most: 5 Mbit/s }'), 'there', START_MS);
  t.equal(near.pace?.meanBits(0, DAY_US), 5e6);
});

t.test('no window lies in a conjunction', async (t) => {
  const windows = wayModel(linkOf('delay: { from: earth, to: mars }\nconjunctionBelowDeg: 2\nwindows: { every: 1 d, open: 8 h }'), 'there', Date.UTC(2015, 5, 1)).windows;
  const days: number[] = [];
  for (let window = windows(0); window !== undefined && window.startUs < 30 * DAY_US; window = windows(window.endUs)) days.push(Math.floor(window.startUs / DAY_US) + 1);
  t.same(days, [1, 2, 3, 4, 5, 6, 7, 22, 23, 24, 25, 26, 27, 28, 29, 30], 'none from 8 to 21 June 2015');
});

t.test('passes come with the light time of their range', async (t) => {
  const model = wayModel(linkOf(PASSES), 'there', START_MS);
  const first = model.windows(0);
  t.ok(Math.abs((first?.startUs ?? 0) / 1e6 - 24_829) < 2);
  t.ok(model.delayUs(first?.startUs ?? 0) > 5000);
  t.equal(wayModel(linkOf(`${PASSES}\ndelay: 20 ms`), 'there', START_MS).delayUs(0), 20_000, 'unless another is given');
});

t.test('a list may go round, and each window may have a rate and a delay of its own', async (t) => {
  const model = wayModel(linkOf('rate: 9 kbit/s\nwindows: { list: [[1 s, 2 s], { from: 5 s, until: 6 s, rate: 3 kbit/s, delay: 4 s }], loop: 10 s }'), 'there', START_MS);
  t.same(model.windows(12e6), { startUs: 15e6, endUs: 16e6 });
  t.same(model.windows(16e6), { startUs: 21e6, endUs: 22e6 });
  t.same([model.delayUs(15e6), model.delayUs(21e6)], [4e6, 1000]);
  t.same([model.pace?.meanBits(15e6, 16e6), model.pace?.meanBits(21e6, 22e6)], [3000, 9000]);
});

t.test('windows that touch are one, in which rate and delay change', async (t) => {
  const model = wayModel(linkOf('windows: { list: [{ from: 60 s, until: 3660 s, rate: 1 kB/s, delay: 1 s }, { from: 3660 s, until: 7260 s, rate: 2 kB/s, delay: 2 s }] }'), 'there', START_MS);
  t.same(model.windows(0), { startUs: 60e6, endUs: 7260e6 });
  t.equal(model.pace?.transferUs(3659e6, 24_000), 2e6, '1 s for 1 kB, and 1 s for 2 kB');
  t.equal(model.pace?.meanBits(60e6, 7260e6), 12_000);
  t.same([model.delayUs(3659e6), model.delayUs(3660e6)], [1e6, 2e6]);
});

const FAULTS: readonly (readonly [lines: string, says: RegExp])[] = [
  ['delay: { from: mars, to: mars }', /line 8, links\[0\]\.delay: a delay between planets has two/],
  ['conjunctionBelowDeg: 3', /conjunctionBelowDeg: the Sun comes between planets/],
  ['rate: { is: 2 kbit/s, at: 1 au }', /line 8, links\[0\]\.rate: a rate falls with a distance/],
  ['windows: { list: [[1 s, 3 s], [2 s, 4 s]] }', /links\[0\]\.windows\.list\[1\]: windows follow one another/],
  ['windows: { list: [[3 s, 3 s]] }', /links\[0\]\.windows\.list\[0\]: a window ends after it begins/],
  ['windows: { list: [[1 s, 3 s]], loop: 2 s }', /links\[0\]\.windows\.loop: a round is as long/],
  ['windows: daily', /links\[0\]\.windows: use "always", "never", /],
  [PASSES.replace('97.6000', '97.6001'), /links\[0\]\.windows\.passes\.tle: line 2 of the elements ends with its checksum, 6/],
];

for (const [lines, says] of FAULTS) {
  t.test(`${lines.slice(0, 60)} is refused`, async (t) => {
    t.throws(() => linkOf(lines), { code: 'CONFIG_INVALID', message: says });
  });
}
