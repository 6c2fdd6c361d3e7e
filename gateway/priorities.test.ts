import t from 'tap';
import { Priorities, isRaised, raisedDueMs } from './priorities.js';

const NOW_MS = 1_800_000_000_000;

t.test('a rule for the peer it came from counts before one for all, and the closest pattern before a wider one', async (t) => {
  const priorities = new Priorities([{ to: '*', class: 'bulk' }, { to: 'clinic.example', class: 'urgent' }, { to: '*.example', from: 'guest', class: 'bulk' }, { to: '*.example', class: 'high' }], 1000);
  t.equal(priorities.of('clinic.example', 'home'), 'urgent');
  t.equal(priorities.of('clinic.example', 'guest'), 'bulk');
  t.equal(priorities.of('a.b.example', 'home'), 'high');
  t.equal(priorities.of('elsewhere', 'guest'), 'bulk');
  t.equal(new Priorities([], 1000).of('clinic.example', 'home'), 'normal');
});

t.test('a class stands in the queue before all of the next lower one, and nothing before what is raised', async (t) => {
  const priorities = new Priorities([{ to: 'u', class: 'urgent' }, { to: 'h', class: 'high' }, { to: 'b', class: 'bulk' }], 1000);
  const due = ['u', 'h', 'n', 'b'].map((to) => priorities.dueMs(to, 'home', NOW_MS));
  t.same(due, [...due].sort((a, b) => a - b));
  t.ok(due.every((dueMs) => dueMs <= NOW_MS));
  t.ok(priorities.dueMs('u', 'home', NOW_MS + 366 * 86_400_000) < priorities.dueMs('h', 'home', NOW_MS));
  t.equal(new Priorities([], 1000).dueMs('u', 'home', NOW_MS), NOW_MS, 'without rules all are due as they come');
  t.notOk(isRaised({ schedule: { target: 'peer:a', dueMs: priorities.dueMs('u', 'home', 1000), attempts: 0 } }), 'nor is a gateway without a clock in doubt about it');
  t.ok(isRaised({ schedule: { target: 'peer:a', dueMs: raisedDueMs(2 ** 40), attempts: 0 } }));
});
