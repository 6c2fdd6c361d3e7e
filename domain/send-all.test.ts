import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../base/clock.js';
import { systemRandom } from '../base/random.js';
import { Domain } from './domain.js';
import type { DomainEvent } from './events.js';
import { stateOf } from './outgoing.js';
import { makePair, never, runInTest } from './pair.test-helper.js';

t.test('hands over what is sealed while the next is being sealed', async (t) => {
  const pair = await makePair(t, { content: { small: 'a few words' } });
  writeFileSync(join(pair.dir, 'large'), systemRandom.bytes(32 * 1024 * 1024));
  const events: DomainEvent[] = [];
  const north = await pair.north(events);
  const requests = ['small', 'large'].map((name) => ({ file: join(pair.dir, name), to: 'bo@south.example' }));
  const sealed: string[] = [];
  const messages = await north.sendAll(requests, (_, { file }) => sealed.push(file), 0, never);
  t.strictSame(sealed, requests.map(({ file }) => file));
  for (const message of messages) t.equal(await stateOf(message), 'in-custody');
  const [custody, lastSealing] = [events.findIndex(({ kind }) => kind === 'in-custody'), events.findLastIndex(({ kind }) => kind === 'sealing')];
  t.ok(custody < lastSealing, 'the small one was taken before the large one was sealed');
});

t.test('takes what was sealed before one that cannot be', async (t) => {
  const pair = await makePair(t, { content: { good: 'a few words' } });
  const events: DomainEvent[] = [];
  const north = await pair.north(events);
  const requests = ['good', 'absent'].map((name) => ({ file: join(pair.dir, name), to: 'bo@south.example' }));
  await t.rejects(north.sendAll(requests, () => undefined, 0, never), { code: 'DOMAIN_FILE' });
  t.match(events.at(-1), { kind: 'in-custody' });
});

t.test('gives up a message in the middle of sealing it, and leaves nothing of it', async (t) => {
  const pair = await makePair(t, { content: { small: 'a few words' } });
  writeFileSync(join(pair.dir, 'large'), systemRandom.bytes(8 * 1024 * 1024));
  const stop = new AbortController();
  const deps = { clock: systemClock, random: systemRandom, onEvent: (event: DomainEvent) => void (event.kind === 'sealing' && event.name === 'large' && stop.abort()) };
  const north = await Domain.open(pair.northDir, deps);
  t.teardown(() => north.close());
  const requests = ['small', 'large', 'small'].map((name) => ({ file: join(pair.dir, name), to: 'bo@south.example' }));
  const messages = await north.sendAll(requests, () => undefined, 0, stop.signal);
  t.same(messages.map(({ facts }) => facts.name), ['small']);
  t.equal(readdirSync(join(pair.northDir, 'outgoing')).length, 1);
});

t.test('follows messages until they are accepted', async (t) => {
  const pair = await makePair(t, { content: { letter: 'Dear Bo' } });
  const north = await pair.north();
  const messages = await north.sendAll([{ file: join(pair.dir, 'letter'), to: 'bo@south.example' }], () => undefined, 0, never);
  const followed = north.follow(messages, never);
  const south = await runInTest(t, pair.south, { outDir: join(pair.dir, 'out') });
  await pair.gateway.knock([...pair.gateway.held.values()][0]!, south.port);
  await followed;
  t.equal(await stateOf(messages[0]!), 'accepted');
  t.equal(readFileSync(join(pair.dir, 'out', 'letter'), 'utf8'), 'Dear Bo');
});

t.test('stops following when it is told to', async (t) => {
  const pair = await makePair(t, { content: { letter: 'Dear Bo' } });
  const north = await pair.north();
  const messages = await north.sendAll([{ file: join(pair.dir, 'letter'), to: 'bo@south.example' }], () => undefined, 0, never);
  const stopping = new AbortController();
  const followed = north.follow(messages, stopping.signal);
  stopping.abort();
  await followed;
  t.equal(await stateOf(messages[0]!), 'in-custody');
});
