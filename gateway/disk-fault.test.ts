import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { PosternError } from '../base/errors.js';
import { openMemoryStore } from '../store/open-memory.js';
import type { Store } from '../store/store.js';
import { openTestPair, stateAt, submit, testMessage } from './gateway.test-helper.js';

/** A store whose disk fails as long as `fails` says so. */
function failing(store: Store, fails: () => boolean): Store {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => (fails() ? Promise.reject(new PosternError('STORE_IO', 'the disk does not answer', { dir: 'memory' })) : Reflect.apply(value, target, args));
    },
  });
}

for (const outcome of ['arrives', 'is lost'] as const) {
  t.test(`a disk that fails while a send is under way ends nothing, and all goes on when it works again: what was sent ${outcome}`, async (t) => {
    const clock = new ManualClock();
    let isBroken = false;
    const store = failing(await openMemoryStore({ clock }), () => isBroken);
    const { a, b, ab, settle } = await openTestPair({ clock, atA: { store } });
    const messages = Array.from({ length: 3 }, (_, i) => testMessage(i, 'home.example', clock));
    ab.passes = () => {
      isBroken = true;
      return outcome === 'arrives';
    };
    await submit(a, messages);
    // The round itself may find the disk broken; its schedule takes it up again.
    await a.gateway.tick().catch(() => undefined);
    await a.gateway.idle();
    t.equal(isBroken, true);

    isBroken = false;
    ab.passes = () => true;
    clock.advance(3_600_000);
    await settle();
    for (const message of messages) t.equal(await stateAt(b, message), 'held');
  });
}
