import fc from 'fast-check';
import t from 'tap';
import { EventQueue } from './event-queue.js';

t.test('gives events in order of time, and of asking where times are equal', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(20), fc.boolean()), { maxLength: 3000 }), (asked) => {
      const queue = new EventQueue();
      const wanted = asked.map(([timeUs, takenBack], index) => ({ timeUs, takenBack, index }));
      const ran: number[] = [];
      for (const { timeUs, takenBack, index } of wanted) {
        const event = queue.add(timeUs, () => ran.push(index));
        event.isTakenBack = takenBack;
      }
      for (let event = queue.take(); event !== undefined; event = queue.take()) event.run();
      const expected = wanted.filter(({ takenBack }) => !takenBack).sort((a, b) => a.timeUs - b.timeUs || a.index - b.index);
      return JSON.stringify(ran) === JSON.stringify(expected.map(({ index }) => index));
    }),
    { numRuns: 50 },
  );
  t.pass('as a sorted list');
});

t.test('refuses a time between two microseconds', async (t) => {
  t.throws(() => new EventQueue().add(0.5, () => undefined), /whole microsecond/);
});
