import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { FetchGuard } from './fetch-guard.js';

t.test('who misses too often finds nothing for a while, and all of an IPv6 network counts as one', async (t) => {
  const clock = new ManualClock();
  const guard = new FetchGuard(clock, 60);
  for (let i = 0; i < 60; i += 1) {
    t.ok(guard.allows('192.0.2.1') && guard.allows('2001:db8::1'));
    guard.missed('192.0.2.1');
    guard.missed(`2001:db8::${i.toString(16)}`);
  }
  t.match(guard.limits()[0], { name: 'sources of misses', used: 2, most: 10_000, refused: 0 });
  t.notOk(guard.allows('192.0.2.1'));
  t.match(guard.limits()[0], { refused: 1 });
  t.notOk(guard.allows('::ffff:192.0.2.1'));
  t.notOk(guard.allows('2001:db8::ffff'));
  t.ok(guard.allows('192.0.2.2'));
  t.ok(guard.allows('2001:db8:0:1::1'));
  clock.advance(1000);
  t.ok(guard.allows('192.0.2.1'), 'one a second');
});

t.test('this machine, and a limit of none, may miss as often as they like', async (t) => {
  const clock = new ManualClock();
  const [guard, none] = [new FetchGuard(clock, 1), new FetchGuard(clock, 0)];
  for (let i = 0; i < 10; i += 1) {
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '']) guard.missed(address);
    none.missed('192.0.2.1');
  }
  for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '']) t.ok(guard.allows(address), address);
  t.ok(none.allows('192.0.2.1'));
});

t.test('a flood from everywhere is forgotten, the oldest first', async (t) => {
  const guard = new FetchGuard(new ManualClock(), 1);
  guard.missed('192.0.2.1');
  t.notOk(guard.allows('192.0.2.1'));
  for (let i = 0; i < 10_000; i += 1) guard.missed(`10.0.${i >> 8}.${i & 255}`);
  t.ok(guard.allows('192.0.2.1'));
  t.notOk(guard.allows('10.0.0.1'));
});

t.test('one id is served to sixteen at once', async (t) => {
  const guard = new FetchGuard(new ManualClock(), 60);
  const ends = Array.from({ length: 16 }, () => guard.serve('"a"'));
  t.ok(ends.every((end) => end !== undefined));
  t.match(guard.limits()[1], { name: 'fetches of one blob', used: 16, most: 16, refused: 0 });
  t.equal(guard.serve('"a"'), undefined);
  t.match(guard.limits()[1], { refused: 1 });
  t.ok(guard.serve('"b"'));
  ends[0]?.();
  t.ok(guard.serve('"a"'));
});
