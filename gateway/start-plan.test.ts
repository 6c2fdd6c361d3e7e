import t from 'tap';
import { ManualClock } from '../base/clock.js';
import type { Store } from '../store/store.js';
import { A, B, CLIENT, openTestGateway, submit, testKey, testMessage } from './gateway.test-helper.js';
import type { TestGateway, TestGatewayOptions } from './gateway.test-helper.js';

const CLIENT_PEER = { name: 'client', role: 'client', key: CLIENT } as const;
const NEIGHBOUR = { name: 'b', role: 'neighbour', key: B } as const;
const TO_B = [{ to: '*', via: 'b' }];

/** Counts how often a stretch of a queue is read. */
function watched(store: Store): { readonly store: Store; lists: number } {
  const watch = {
    lists: 0,
    store: new Proxy(store, {
      get(target, name: keyof Store) {
        if (name === 'list') watch.lists += 1;
        const value: unknown = target[name];
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    }),
  };
  return watch;
}

function restart(clock: ManualClock, store: Store, options: Partial<TestGatewayOptions>): Promise<TestGateway> {
  return openTestGateway({ name: 'a', key: A, clock, peers: [CLIENT_PEER, NEIGHBOUR], store, ...options });
}

t.test('a start by other rules plans anew what is held, and a start by the same reads none of it', async (t) => {
  const clock = new ManualClock();
  const first = await openTestGateway({ name: 'a', key: A, clock, peers: [CLIENT_PEER, NEIGHBOUR] });
  const message = testMessage(1, 'example.org', clock);
  await submit(first, [message]);
  const targetNow = async (): Promise<string | undefined> => (await first.store.find(message.record.rid))?.schedule?.target;
  t.equal(await targetNow(), 'parked');

  await restart(clock, first.store, { routes: TO_B });
  t.equal(await targetNow(), 'peer:b', 'there is a route now');

  const again = watched(first.store);
  await restart(clock, again.store, { routes: TO_B });
  t.equal(again.lists, 0);
  t.equal(await targetNow(), 'peer:b');

  await restart(clock, first.store, { routes: [] });
  t.equal(await targetNow(), 'parked', 'and now there is none');

  await restart(clock, first.store, { routes: [], peers: [CLIENT_PEER, NEIGHBOUR, { name: 'home', role: 'client', key: testKey(2), domain: 'example.org' }] });
  t.equal(await targetNow(), 'served:example.org', 'a domain that is served here goes by no route');
});

t.test('with a contact plan everything is planned at each start, and once more when the plan has gone', async (t) => {
  const clock = new ManualClock();
  const first = await restart(clock, (await openTestGateway({ name: 'x', key: A, clock, peers: [] })).store, { routes: TO_B });
  const message = testMessage(2, 'example.org', clock);
  await submit(first, [message]);
  const planned = { routes: TO_B, contacts: [], nodes: { a: 1, b: 2 } };
  for (let start = 0; start < 2; start += 1) {
    const watch = watched(first.store);
    await restart(clock, watch.store, planned);
    t.ok(watch.lists > 0, `start ${start} with a plan`);
  }
  const without = watched(first.store);
  await restart(clock, without.store, { routes: TO_B });
  t.ok(without.lists > 0, 'what the plan decided is decided by the routes alone now');
  t.equal((await first.store.find(message.record.rid))?.schedule?.target, 'peer:b');
});
