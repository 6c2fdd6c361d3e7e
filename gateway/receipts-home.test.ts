import t from 'tap';
import { encodeOpening } from '../wire/opening.js';
import { openTestPair, stateAt, submit, testMessage } from './gateway.test-helper.js';

const ONE_AT_A_TIME = { answers: false, parallel: 1 } as const;

for (const { carries, largestBytes } of [{ carries: 'bundle', largestBytes: 16_000 }, { carries: 'compact', largestBytes: 2048 }] as const) {
  t.test(`receipts for many records come home by a link that carries ${largestBytes} bytes at once (${carries})`, async (t) => {
    const { clock, a, b, ba, settle } = await openTestPair({ supports: { carries } });
    Object.assign(ba, { supports: { ...ba.supports, ...ONE_AT_A_TIME, largestBytes } });
    const messages = Array.from({ length: 300 }, (_, i) => testMessage(1000 + i, 'example.org', clock, 100));
    await submit(a, messages);
    await settle();
    const states = await Promise.all(messages.map((message) => stateAt(a, message)));
    t.equal(states.filter((state) => state === 'forwarded').length, messages.length);
    t.same(await b.store.outbox('a', 10), [], 'and nothing is left on the way');
  });
}

t.test('a control that a link never carries keeps nothing behind it from going', async (t) => {
  const { clock, a, b, ba, settle } = await openTestPair();
  Object.assign(ba, { supports: { ...ba.supports, ...ONE_AT_A_TIME, largestBytes: 4000 } });
  await b.store.outboxPut([{ peer: 'a', key: 'answer/long', bytes: new Uint8Array(5000) }]);
  const message = testMessage(7, 'example.org', clock);
  await submit(a, [message]);
  await settle();
  t.equal(await stateAt(a, message), 'forwarded', 'its receipt has come');
  b.gateway.openings(encodeOpening(message.accept));
  await b.gateway.idle();
  await settle();
  t.equal(await stateAt(a, message), 'accepted', 'and the opening');
});
