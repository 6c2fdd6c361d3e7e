import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { Pace } from './http-pace.js';

const LIMITS = { firstMs: 1000, mostMs: 3000, slowestBytesPerMs: 1 };

t.test('who sends nothing is cut off after the first allowance', async (t) => {
  const { clock, pace, late } = start();
  pace.wait();
  clock.advance(999);
  t.notOk(late());
  clock.advance(1);
  t.ok(late());
});

t.test('who is slow but steady is not cut off', async (t) => {
  const { clock, pace, late } = start();
  for (let n = 0; n < 100; n++) {
    pace.wait();
    clock.advance(900);
    pace.moved(900);
  }
  t.notOk(late());
});

t.test('who trickles is cut off, however often a byte comes', async (t) => {
  const { clock, pace, late } = start();
  for (let n = 0; n < 20; n++) {
    pace.wait();
    clock.advance(100);
    pace.moved(1);
  }
  t.ok(late());
});

t.test('speed in the past buys one long wait and no more', async (t) => {
  const { clock, pace, late } = start();
  pace.moved(1e9);
  pace.wait();
  clock.advance(2999);
  t.notOk(late());
  clock.advance(1);
  t.ok(late());
});

t.test('time that is ours is not counted', async (t) => {
  const { clock, pace, late } = start();
  pace.wait();
  pace.end();
  clock.advance(100_000);
  pace.end();
  pace.wait();
  clock.advance(999);
  t.notOk(late());
});

function start(): { clock: ManualClock; pace: Pace; late: () => boolean } {
  const clock = new ManualClock();
  let late = false;
  const pace = new Pace(clock, LIMITS, () => (late = true));
  return { clock, pace, late: () => late };
}
