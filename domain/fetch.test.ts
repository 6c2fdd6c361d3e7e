import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { systemRandom } from '../base/random.js';
import type { Held } from './gateway.test-helper.js';
import { editConfig, makePair, never, runInTest } from './pair.test-helper.js';
import type { Pair, Running } from './pair.test-helper.js';

const MIB = 1024 * 1024;

async function send(pair: Pair, bytes: number): Promise<Held> {
  const file = join(pair.dir, 'file');
  writeFileSync(file, systemRandom.bytes(bytes));
  const north = await pair.north();
  const message = await north.prepare({ file, to: 'bo@south.example' });
  await north.handOver([message], 0, never);
  return [...pair.gateway.held.values()][0]!;
}

/** A gateway that knocks again is asked at once, and not after the doubled wait. */
async function knockUntilDelivered(pair: Pair, held: Held, running: Running): Promise<string> {
  while (!running.events.some(({ kind }) => kind === 'delivered')) {
    await pair.gateway.knock(held, running.port);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return (await running.until('delivered')).path;
}

function isWhole(pair: Pair, path: string): boolean {
  return readFileSync(path).equals(readFileSync(join(pair.dir, 'file')));
}

t.test('goes on where a cut left off', async (t) => {
  const pair = await makePair(t);
  const held = await send(pair, 6 * MIB);
  pair.gateway.misdeeds.cutFetchAtBytes = [2 * MIB, 1000, 0, 2 * MIB];
  const running = await runInTest(t, pair.south, { outDir: join(pair.dir, 'out') });
  await pair.gateway.knock(held, running.port);
  await running.until('waiting');
  t.ok(isWhole(pair, await knockUntilDelivered(pair, held, running)));
  t.match(pair.gateway.fetches, [{ range: undefined, status: 200 }, { range: /^bytes=\d+-$/, status: 206 }]);
  const starts = pair.gateway.fetches.slice(1).map(({ range }) => Number(/\d+/.exec(range ?? '')?.[0]));
  t.strictSame([...starts].sort((a, b) => a - b), starts, `it began at ${starts.join(', ')}`);
  t.ok(starts[0]! > 1 * MIB);
});

t.test('goes on where another process was stopped', async (t) => {
  const pair = await makePair(t);
  const held = await send(pair, 6 * MIB);
  pair.gateway.misdeeds.cutFetchAtBytes = [3 * MIB];
  const first = await runInTest(t, pair.south);
  await pair.gateway.knock(held, first.port);
  await first.until('waiting');
  await first.stop();
  const second = await runInTest(t, pair.south, { outDir: join(pair.dir, 'out') });
  t.ok(isWhole(pair, (await second.until('delivered')).path), 'without another knock');
  t.match(pair.gateway.fetches.at(-1), { range: /^bytes=\d{7}-$/, status: 206 });
});

t.test('begins anew when the blob is another one', async (t) => {
  const pair = await makePair(t);
  const held = await send(pair, 3 * MIB);
  pair.gateway.misdeeds.cutFetchAtBytes = [1 * MIB];
  const running = await runInTest(t, pair.south, { outDir: join(pair.dir, 'out') });
  const wrong = 'ab'.repeat(32);
  pair.gateway.misdeeds.fetchHeaders = (headers) => (headers['etag'] = `"${wrong}"`);
  await pair.gateway.knock(held, running.port);
  await running.until('waiting');
  delete pair.gateway.misdeeds.fetchHeaders;
  t.ok(isWhole(pair, await knockUntilDelivered(pair, held, running)));
  t.equal(pair.gateway.fetches.at(-1)?.status, 200, 'If-Range did not hold');
});

t.test('believes no length, no range and no hash of a holder that lies', async (t) => {
  const lies: [string, (headers: Record<string, string | number>) => void][] = [
    ['no hash', (headers) => delete headers['etag']],
    ['a weak hash', (headers) => (headers['etag'] = `W/${headers['etag']}`)],
    ['no length', (headers) => delete headers['content-length']],
    ['too long a length', (headers) => (headers['content-length'] = Number(headers['content-length']) + 10)],
    ['too short a length', (headers) => (headers['content-length'] = Number(headers['content-length']) - 10)],
    ['a huge length', (headers) => (headers['content-length'] = Number.MAX_SAFE_INTEGER)],
    ['a length that is none', (headers) => Object.assign(headers, { 'content-length': 'many', 'transfer-encoding': 'chunked' })],
  ];
  for (const [what, lie] of lies) {
    await t.test(what, async (t) => {
      const pair = await makePair(t, { tls: false });
      editConfig(pair.southDir, (config) => Object.assign(config, { largestBlobBytes: 100 * MIB }));
      const held = await send(pair, 1000);
      const running = await runInTest(t, pair.south, { outDir: join(pair.dir, 'out') });
      pair.gateway.misdeeds.fetchHeaders = (headers) => {
        lie(headers);
        headers['connection'] = 'close';
      };
      await pair.gateway.knock(held, running.port);
      await running.until('waiting');
      delete pair.gateway.misdeeds.fetchHeaders;
      t.ok(isWhole(pair, await knockUntilDelivered(pair, held, running)), 'and takes the truth afterwards');
    });
  }
});

t.test('fetches again what was damaged on the way', async (t) => {
  const pair = await makePair(t);
  const held = await send(pair, 100_000);
  const running = await runInTest(t, pair.south, { outDir: join(pair.dir, 'out') });
  pair.gateway.misdeeds.fetchBytes = (bytes, at) => {
    if (at === 0) bytes[50_000]! ^= 1;
  };
  await pair.gateway.knock(held, running.port);
  t.match(await running.until('waiting'), { reason: /payload/ });
  delete pair.gateway.misdeeds.fetchBytes;
  t.ok(isWhole(pair, await knockUntilDelivered(pair, held, running)));
});

t.test('fetches no blob twice that is bad at its holder, and takes a good one when there is one', async (t) => {
  const pair = await makePair(t);
  const held = await send(pair, 100_000);
  const good = readFileSync(held.file);
  const bad = Buffer.from(good);
  bad[60_000]! ^= 1;
  const running = await runInTest(t, pair.south, { outDir: join(pair.dir, 'out') });
  writeFileSync(held.file, bad);
  pair.gateway.misdeeds.fetchHeaders = (headers) => (headers['etag'] = `"${createHash('sha256').update(bad).digest('hex')}"`);
  let served = 0;
  pair.gateway.misdeeds.fetchBytes = (bytes) => (served += bytes.length);
  await pair.gateway.knock(held, running.port);
  await running.until('waiting');
  const after = running.events.length;
  t.match(await running.until('waiting', after), { reason: /found to be bad/ });
  t.ok(served <= 2 * bad.length);
  writeFileSync(held.file, good);
  delete pair.gateway.misdeeds.fetchHeaders;
  t.ok(isWhole(pair, (await running.until('delivered')).path));
});

t.test('keeps no small message waiting for a large one', async (t) => {
  const pair = await makePair(t, { content: { small: 'a few words' } });
  const large = await send(pair, 2 * MIB);
  const north = await pair.north();
  await north.handOver([await north.prepare({ file: join(pair.dir, 'small'), to: 'bo@south.example' })], 0, never);
  const small = [...pair.gateway.held.values()].find((held) => held !== large)!;
  const running = await runInTest(t, pair.south, { outDir: join(pair.dir, 'out') });
  pair.gateway.misdeeds.stallFetchOf = large;
  await pair.gateway.knock(large, running.port);
  while (pair.gateway.fetches.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await pair.gateway.knock(small, running.port);
  t.equal((await running.until('delivered')).path, join(pair.dir, 'out', 'small'));
  await running.until('accepted');
  t.equal(large.state, 'custody');
});

t.test('leaves what is too large where it is', async (t) => {
  const pair = await makePair(t);
  editConfig(pair.southDir, (config) => Object.assign(config, { largestBlobBytes: 50_000 }));
  const held = await send(pair, 100_000);
  const running = await runInTest(t, pair.south);
  await pair.gateway.knock(held, running.port);
  t.match(await running.until('waiting'), { reason: /allows 50000|more than 50000 bytes/ });
  t.equal(statSync(join(pair.southDir, 'receiving')).isDirectory(), true);
});

t.test('asks nobody but the holder whose key it knows', async (t) => {
  const pair = await makePair(t);
  const held = await send(pair, 100);
  const running = await runInTest(t, pair.south);
  // Another address, signed by the gateway: plain HTTP is not followed, and https must prove the pinned key.
  for (const holder of ['http://127.0.0.1:1', 'http://localhost:9']) {
    const before = running.events.length;
    await pair.gateway.knock(held, running.port, { holder });
    t.match(await running.until('waiting', before), { reason: /no gateway of ours/ });
  }
  t.equal(pair.gateway.fetches.length, 0);
  await pair.gateway.knock(held, running.port);
  await running.until('delivered');
  t.strictSame(readdirSync(join(pair.southDir, 'receiving')), []);
});

t.test('forgets at its start what it has of blobs that nobody waits for', async (t) => {
  const pair = await makePair(t);
  const part = join(pair.southDir, 'receiving', 'ab'.repeat(24));
  mkdirSync(part);
  writeFileSync(join(part, 'blob'), 'left by a kill');
  await runInTest(t, pair.south);
  t.strictSame(readdirSync(join(pair.southDir, 'receiving')), []);
});
