import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import t from 'tap';
import { systemClock } from '../base/clock.js';
import { systemRandom } from '../base/random.js';
import { Guard, SimLeak } from './guard.js';

t.test('while it is closed, nobody reaches the clock, the dice, the timers or the network of the machine', async (t) => {
  const socket = createSocket('udp4');
  const leaks: [string, () => unknown][] = [
    ['Date.now', () => systemClock.nowMs()],
    ['performance.now', () => systemClock.monotonicMs()],
    ['setTimeout', () => systemClock.timer(1, () => undefined)],
    ['setInterval', () => setInterval(() => undefined, 1)],
    ['Math.random', () => Math.random()],
    ['randomBytes', () => systemRandom.bytes(8)],
    ['randomBytes by its name', () => randomBytes(8)],
    ['net', () => connect(9)],
    ['dgram', () => socket.send(new Uint8Array(1), 9)],
  ];
  const guard = new Guard();
  guard.close();
  const found = leaks.map(([name, leak]) => {
    try {
      leak();
      return `${name} got through`;
    } catch (thrown) {
      return thrown instanceof SimLeak ? 'stopped' : String(thrown);
    }
  });
  guard.open();
  guard.open();
  socket.close();
  t.same(found, leaks.map(() => 'stopped'));
  t.ok(Date.now() > 0 && Math.random() < 1 && randomBytes(1).length === 1, 'and afterwards the machine is as it was');
});

t.test('drains promises and turns of the loop until nothing is pending, without one real turn', async (t) => {
  const guard = new Guard();
  guard.close();
  const order: string[] = [];
  const work = async (name: string): Promise<void> => {
    for (let round = 0; round < 3; round += 1) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      await Promise.resolve();
      order.push(`${name}${round}`);
    }
  };
  void work('a');
  void work('b');
  await guard.drain();
  guard.open();
  t.same(order, ['a0', 'b0', 'a1', 'b1', 'a2', 'b2']);
});

t.test('drains as much when it is asked to from outside of every promise', async (t) => {
  const guard = new Guard();
  const order: string[] = [];
  const work = async (): Promise<void> => {
    for (let steps = 0; steps < 10; steps += 1) await Promise.resolve();
    await new Promise<void>((resolve) => setImmediate(resolve));
    order.push('worked');
  };
  await new Promise<void>((resolve) => {
    setTimeout(() => {
      guard.close();
      void work();
      void guard.drain().then(() => {
        order.push('drained');
        guard.open();
        resolve();
      });
    }, 0);
  });
  t.same(order, ['worked', 'drained']);
});

t.test('one simulation at a time', async (t) => {
  const guard = new Guard();
  guard.close();
  const second = (() => {
    try {
      new Guard().close();
      return 'closed twice';
    } catch (thrown) {
      return String(thrown);
    }
  })();
  guard.open();
  t.match(second, /another simulation/);
});
