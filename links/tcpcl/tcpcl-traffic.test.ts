/** Both ends send at once, over lines that hold and lines that break. */
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { seededRandom } from '../../base/random.js';
import { collector, eventuallyConfirmed, freightOf, sendNow, until } from '../link.suite.js';
import { clear, makePair, makeSecurePair } from './tcpcl-test-helper.js';

const MIB = 1024 * 1024;

for (const [manner, make] of [['in the clear', makePair], ['over TLS', makeSecurePair]] as const) {
  t.test(`two ends that send much at once never wait for each other, ${manner}`, async (t) => {
    const pair = clear(t, await make());
    const [atNear, atFar] = [collector(), collector()];
    await pair.far.start(atFar.deliver);
    await pair.near.start(atNear.deliver);
    await until(() => pair.far.status().state === 'up' && pair.near.status().state === 'up');
    const freights = Array.from({ length: 4 }, (_, n) => freightOf(4 * MIB - n));
    const outcomes = await Promise.all([pair.near, pair.far].flatMap((end) => freights.map((freight) => sendNow(end, freight))));
    for (const outcome of outcomes) t.same(outcome, { kind: 'confirmed' });
    const digests = freights.map((freight) => freight.digest).sort();
    t.same(atNear.digests.sort(), digests);
    t.same(atFar.digests.sort(), digests);
  });

  t.test(`on a line that keeps breaking, what is confirmed has arrived whole, ${manner}`, async (t) => {
    const pair = clear(t, await make());
    const [atNear, atFar] = [collector(), collector()];
    await pair.far.start(atFar.deliver);
    await pair.near.start(atNear.deliver);
    const random = seededRandom(20_261_124);
    const over = new AbortController();
    const ends = [
      { end: pair.near, taken: atFar },
      { end: pair.far, taken: atNear },
    ];
    const senders = ends.flatMap(({ end, taken }) =>
      Array.from({ length: 3 }, async () => {
        let confirmed = 0;
        while (!over.signal.aborted) {
          const freight = freightOf(Math.floor(random.fraction() ** 3 * MIB));
          const outcome = await sendNow(end, freight);
          if (outcome.kind === 'confirmed') {
            confirmed++;
            t.ok(taken.digests.includes(freight.digest), `${freight.bytes} bytes`);
          } else {
            t.equal(outcome.kind, 'unreachable');
            await pause(5);
          }
        }
        return confirmed;
      }),
    );
    for (let cut = 0; cut < 15; cut++) {
      await pause(150 * random.fraction());
      await pair.line.cut();
      await pair.line.mend();
    }
    over.abort();
    const confirmed = await Promise.all(senders);
    t.comment(`${confirmed.join(', ')} confirmed between 15 cuts`);
    await eventuallyConfirmed(t, pair.near, freightOf(1));
    await eventuallyConfirmed(t, pair.far, freightOf(1));
  });
}
