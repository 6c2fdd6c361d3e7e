import t from 'tap';
import { keyId } from '../wire/keys.js';
import { parseConfig } from './config.js';
import { PeerBook } from './peer-book.js';
import type { Peer } from './peer-book.js';
import { Planner } from './plan.js';
import type { Planned } from './plan.js';
import { heldTarget, parseTarget, peerTarget, servedTarget } from './target.js';
import { toBase64url } from '../base/bytes.js';

function book(names: readonly string[], served?: string): PeerBook {
  const { peers } = parseConfig(
    {
      gateway: { name: 'here', nodeId: 'dtn://here/', publicUrl: 'https://here:1', keyFile: 'k' },
      listen: { https: {} },
      peers: names.map((name, index) => ({ name, role: 'neighbour', key: toBase64url(new Uint8Array(32).fill(index + 1)) })),
    },
    'test.yaml',
  );
  const entries = peers.map((config, index): Peer => {
    const key = new Uint8Array(32).fill(index + 1);
    return { name: config.name, role: 'neighbour', key, kid: keyId(key), config };
  });
  const [first] = entries;
  if (served !== undefined && first !== undefined) entries.push({ ...first, name: 'home', role: 'client', domain: { domain: served } as NonNullable<Peer['domain']> });
  return new PeerBook(entries);
}

const record = (destination: string): Planned => ({ destination, rid: new Uint8Array(32), bytes: new Uint8Array(200), blobBytes: 1000, expirySec: 2_000_000_000 });

t.test('the exact route comes first, then the longest suffix, then the default', async (t) => {
  const planner = new Planner(
    [
      { to: '*', via: 'a' },
      { to: '*.example.org', via: 'b' },
      { to: '*.south.example.org', via: 'c' },
      { to: 'pole.south.example.org', via: 'd' },
    ],
    book(['a', 'b', 'c', 'd', 'x']),
  );
  t.equal(planner.target(record('elsewhere.net'), 'x', 0), 'peer:a');
  t.equal(planner.target(record('example.org'), 'x', 0), 'peer:a', 'a suffix route is for what is below the domain');
  t.equal(planner.target(record('www.example.org'), 'x', 0), 'peer:b');
  t.equal(planner.target(record('deep.south.example.org'), 'x', 0), 'peer:c');
  t.equal(planner.target(record('pole.south.example.org'), 'x', 0), 'peer:d');
});

t.test('a served domain is served, whatever the routes say', async (t) => {
  const planner = new Planner([{ to: '*', via: 'a' }], book(['a'], 'example.org'));
  t.equal(planner.target(record('example.org'), 'a', 0), 'served:example.org');
});

t.test('without a way, or with the way back only, a record is parked', async (t) => {
  t.equal(new Planner([], book(['a'])).target(record('example.org'), 'a', 0), 'parked');
  t.equal(new Planner([{ to: '*', via: 'a' }], book(['a', 'b'])).target(record('example.org'), 'a', 0), 'parked');
  t.equal(new Planner([{ to: '*', via: 'gone' }], book(['a'])).target(record('example.org'), 'a', 0), 'parked', 'a disabled neighbour is no way');
});

t.test('the names of queues read back', async (t) => {
  t.same(parseTarget(servedTarget('example.org')), { kind: 'served', of: 'example.org' });
  t.same(parseTarget(peerTarget('a')), { kind: 'peer', of: 'a' });
  t.same(parseTarget(heldTarget(peerTarget('a'))), { kind: 'hold', of: 'peer:a' });
  t.same(parseTarget('parked'), { kind: 'parked' });
});
