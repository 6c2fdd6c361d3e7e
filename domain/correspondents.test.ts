import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { systemRandom } from '../base/random.js';
import { makeDomainCard } from '../wire/card.js';
import type { DomainCard } from '../wire/card.js';
import { makeDomainRecord } from '../wire/domain-record.js';
import { makeKeyRecord } from '../wire/key-record.js';
import type { KeyStatus } from '../wire/key-record.js';
import { kemKeyFromSeed, signingKeyFromSeed } from '../wire/keys.js';
import type { SigningKey } from '../wire/keys.js';
import { stateOf } from './outgoing.js';
import { makePair, never, runInTest } from './pair.test-helper.js';

interface Keys {
  domain: SigningKey;
  user: SigningKey;
  kem?: number;
  previous?: SigningKey;
  createdSec?: number;
  lifetimeSec?: number;
  status?: KeyStatus;
  users?: readonly string[];
}

/** A card of west.example with whatever keys. */
function card({ domain, user, kem = 1, previous, createdSec = 1000, lifetimeSec = 10_000_000_000, status = 'current', users = ['cy'] }: Keys): DomainCard {
  const kemKey = kemKeyFromSeed(new Uint8Array(32).fill(kem)).publicKey;
  const record = makeDomainRecord(domain, { domain: 'west.example', kemKey, createdSec, notAfterSec: createdSec + lifetimeSec, escrow: false, endpoints: [] });
  const records = users.map((name) =>
    makeKeyRecord(
      { user, domain, ...(previous !== undefined && { previous }) },
      { address: `${name}@west.example`, kemKey, createdSec, notBeforeSec: createdSec, notAfterSec: createdSec + lifetimeSec, status, escrow: false },
    ),
  );
  return makeDomainCard(domain, { domain: record, users: records, createdSec });
}

const key = (fill: number): SigningKey => signingKeyFromSeed(new Uint8Array(32).fill(fill));
const domainKey = key(1);
const userKey = key(2);

t.test('pins what it sees first, and takes newer records under the same keys', async (t) => {
  const pair = await makePair(t);
  const north = await pair.north();
  t.strictSame(await north.learn(card({ domain: domainKey, user: userKey })), { added: ['cy@west.example'], changes: [] });
  t.strictSame(await north.learn(card({ domain: domainKey, user: userKey })), { added: [], changes: [] }, 'the same again');
  t.strictSame(await north.learn(card({ domain: domainKey, user: userKey, kem: 9, createdSec: 2000, users: ['cy', 'di'] })), { added: ['di@west.example'], changes: [] });
  const known = (await north.status()).correspondents.find(({ domain }) => domain.domain === 'west.example');
  t.strictSame(known?.domain.kemKey, kemKeyFromSeed(new Uint8Array(32).fill(9)).publicKey, 'the new sealing key');
  await north.learn(card({ domain: domainKey, user: userKey, kem: 1, createdSec: 1000 }));
  const still = (await north.status()).correspondents.find(({ domain }) => domain.domain === 'west.example');
  t.strictSame(still?.domain.kemKey, known?.domain.kemKey, 'an older card takes nothing back');
});

t.test('sends nothing under a changed user key until somebody acknowledges it', async (t) => {
  const pair = await makePair(t, { content: { file: 'x' } });
  const north = await pair.north();
  const send = { file: join(pair.dir, 'file'), to: 'cy@west.example' };
  await north.learn(card({ domain: domainKey, user: userKey, users: ['cy', 'di'] }));
  const { changes } = await north.learn(card({ domain: domainKey, user: key(3), createdSec: 2000 }));
  t.match(changes, [{ whose: 'cy@west.example', vouched: false }]);
  await t.rejects(north.prepare(send), { code: 'DOMAIN_KEY_CHANGED', data: { address: 'cy@west.example', pinned: changes[0]!.pinned, offered: changes[0]!.offered } });
  t.ok(await north.prepare({ ...send, to: 'di@west.example' }), 'others are not touched');
  t.match(await north.acknowledge('west.example'), [{ whose: 'cy@west.example' }]);
  t.ok(await north.prepare(send));
  t.strictSame(await north.acknowledge('west.example'), []);
  const addresses = (await north.status()).correspondents.find(({ domain }) => domain.domain === 'west.example')?.users.map(({ user }) => user.address);
  t.strictSame(addresses, ['cy@west.example', 'di@west.example'], 'and whom the new card did not name stays');
});

t.test('stops everything to a domain whose own key has changed', async (t) => {
  const pair = await makePair(t, { content: { file: 'x' } });
  const north = await pair.north();
  await north.learn(card({ domain: domainKey, user: userKey }));
  const { changes, added } = await north.learn(card({ domain: key(7), user: userKey, createdSec: 2000, users: ['cy', 'eve'] }));
  t.match(changes, [{ whose: 'west.example' }]);
  t.strictSame(added, [], 'nobody is added by a stranger');
  await t.rejects(north.prepare({ file: join(pair.dir, 'file'), to: 'cy@west.example' }), { code: 'DOMAIN_KEY_CHANGED', data: { address: 'west.example' } });
  await north.learn(card({ domain: domainKey, user: userKey }));
  t.ok(await north.prepare({ file: join(pair.dir, 'file'), to: 'cy@west.example' }), 'a card that agrees with the pinned keys takes the alarm back');
});

t.test('forgets no change over a card that says nothing about it', async (t) => {
  const pair = await makePair(t, { content: { file: 'x' } });
  const north = await pair.north();
  await north.learn(card({ domain: domainKey, user: userKey, users: ['cy', 'di', 'ed'] }));
  await north.learn(card({ domain: domainKey, user: key(3), createdSec: 2000, users: ['cy'] }));
  await north.learn(card({ domain: domainKey, user: userKey, createdSec: 3000, users: ['ed'] }));
  await north.learn(card({ domain: domainKey, user: key(4), createdSec: 4000, users: ['di'] }));
  for (const to of ['cy@west.example', 'di@west.example']) await t.rejects(north.prepare({ file: join(pair.dir, 'file'), to }), { code: 'DOMAIN_KEY_CHANGED', data: { address: to } });
  t.ok(await north.prepare({ file: join(pair.dir, 'file'), to: 'ed@west.example' }));
  await north.learn(card({ domain: domainKey, user: userKey, createdSec: 5000, users: ['di'] }));
  t.ok(await north.prepare({ file: join(pair.dir, 'file'), to: 'di@west.example' }), 'a card that agrees takes the alarm back for whom it names');
  t.match(await north.acknowledge('west.example'), [{ whose: 'cy@west.example' }]);
  for (const to of ['cy', 'di', 'ed']) t.ok(await north.prepare({ file: join(pair.dir, 'file'), to: `${to}@west.example` }));
});

t.test('says when the old key has signed for the new one', async (t) => {
  const pair = await makePair(t);
  const north = await pair.north();
  await north.learn(card({ domain: domainKey, user: userKey }));
  const { changes } = await north.learn(card({ domain: domainKey, user: key(3), previous: userKey, createdSec: 2000 }));
  t.match(changes, [{ whose: 'cy@west.example', vouched: true }]);
});

t.test('keeps back what was sealed before the key changed', async (t) => {
  const pair = await makePair(t, { content: { file: 'x' } });
  const north = await pair.north();
  await north.learn(card({ domain: domainKey, user: userKey }));
  const message = await north.prepare({ file: join(pair.dir, 'file'), to: 'cy@west.example' });
  await north.learn(card({ domain: domainKey, user: key(3), createdSec: 2000 }));
  await north.handOver([message], 0, never);
  t.match((await north.outgoing(message)).trouble, { code: 'DOMAIN_KEY_CHANGED' });
  await north.acknowledge('west.example');
  await north.handOver([message], 0, never);
  t.match((await north.outgoing(message)).trouble, { code: 'old-key' });
  t.equal(await stateOf(message), 'sealed');
  t.equal(pair.gateway.batches, 0);
});

t.test('seals nothing to keys whose time is over, or that were given up', async (t) => {
  const pair = await makePair(t, { content: { file: 'x' } });
  const north = await pair.north();
  const send = { file: join(pair.dir, 'file'), to: 'cy@west.example' };
  await north.learn(card({ domain: domainKey, user: userKey, lifetimeSec: 1000 }));
  await t.rejects(north.prepare(send), { code: 'DOMAIN_KEY_ENDED' });
  await north.learn(card({ domain: domainKey, user: userKey, createdSec: 2000 }));
  t.ok(await north.prepare(send), 'a newer record');
  await north.learn(card({ domain: domainKey, user: userKey, createdSec: 3000, status: 'revoked' }));
  await t.rejects(north.prepare({ ...send, name: 'another' }), { code: 'DOMAIN_KEY_ENDED' });
});

t.test('knows nobody it was not told of', async (t) => {
  const pair = await makePair(t, { content: { file: 'x' } });
  const north = await pair.north();
  for (const to of ['cy@west.example', 'nobody@south.example', 'Bo@south.example', 'no address', '../../x@south.example', 'bo@../south.example']) {
    await t.rejects(north.prepare({ file: join(pair.dir, 'file'), to }), { code: 'DOMAIN_STRANGER' }, to);
  }
});

t.test('withholds a message signed with another key than the pinned one, and delivers it once the key is acknowledged', async (t) => {
  const pair = await makePair(t, { content: { file: 'hello' } });
  const before = (await pair.north()).card();
  writeFileSync(join(pair.dir, 'file'), systemRandom.bytes(10));
  const north = await pair.north();
  const message = await north.prepare({ file: join(pair.dir, 'file'), to: 'bo@south.example' });
  await north.handOver([message], 0, never);
  // South comes to believe in another key of ann's, one that has the same sealing key.
  const ann = before.users[0]!;
  const otherUser = key(55);
  const pretended = signedByNorth(pair.northDir, (domain) =>
    makeDomainCard(domain, {
      domain: before.domain,
      users: [
        makeKeyRecord(
          { user: otherUser, domain },
          { address: ann.address, kemKey: ann.kemKey, createdSec: ann.createdSec + 1, notBeforeSec: ann.notBeforeSec, notAfterSec: ann.notAfterSec, status: 'current', escrow: true },
        ),
      ],
      createdSec: 1,
    }),
  );
  const south = await pair.south();
  await south.learn(pretended);
  await south.acknowledge('north.example');
  const running = await runInTest(t, pair.south);
  await pair.gateway.knock([...pair.gateway.held.values()][0]!, running.port);
  t.match(await running.until('waiting'), { reason: /another key than the one pinned/ });
  t.equal(pair.gateway.fetches.length, 1);
  await south.learn(before);
  await south.acknowledge('north.example');
  await running.until('delivered');
  t.equal(pair.gateway.fetches.length, 1, 'and it was not fetched twice');
});

function signedByNorth(northDir: string, make: (domain: SigningKey) => DomainCard): DomainCard {
  const { signingSeed } = JSON.parse(readFileSync(join(northDir, 'keys', 'domain.json'), 'utf8')) as { signingSeed: string };
  return make(signingKeyFromSeed(new Uint8Array(Buffer.from(signingSeed, 'hex'))));
}

t.test('is not kept from its mail by somebody who shows the sealing key of another as their own', async (t) => {
  const pair = await makePair(t, { content: { file: 'x' } });
  const south = await pair.south();
  const [ann] = (await pair.north()).card().users;
  const thief = makeKeyRecord(
    { user: userKey, domain: domainKey },
    { address: 'cy@west.example', kemKey: ann!.kemKey, createdSec: 1000, notBeforeSec: 1000, notAfterSec: 10_000_000_000, status: 'current', escrow: false },
  );
  await south.learn(makeDomainCard(domainKey, { domain: card({ domain: domainKey, user: userKey }).domain, users: [thief], createdSec: 1000 }));
  await south.setPull('cy@west.example', 'ignore');
  const running = await runInTest(t, pair.south);
  const north = await pair.north();
  await north.handOver([await north.prepare({ file: join(pair.dir, 'file'), to: 'bo@south.example' })], 0, never);
  await pair.gateway.knock([...pair.gateway.held.values()][0]!, running.port);
  t.match(await Promise.race([running.until('delivered'), running.until('waiting')]), { kind: 'delivered', entry: { facts: { from: 'ann@north.example' } } });
});
