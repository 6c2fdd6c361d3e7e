import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { systemRandom } from '../base/random.js';
import { makePair, never, runInTest } from './pair.test-helper.js';
import { stateOf } from './outgoing.js';

t.test('a message goes from file to file, and its sender learns that it was accepted', async (t) => {
  const pair = await makePair(t, { content: { 'letter.eml': 'Subject: hello\r\n\r\nDear Bo\r\n' } });
  const north = await pair.north();
  const message = await north.prepare({ file: join(pair.dir, 'letter.eml'), to: 'bo@south.example' });
  t.equal(await stateOf(message), 'sealed');
  await north.handOver([message], 0, never);
  t.equal(await stateOf(message), 'in-custody');
  t.notOk(existsSync(join(message.dir, 'blob')), 'the blob went after the receipt came');
  t.ok(existsSync(join(message.dir, 'receipt.cbor')));

  const out = join(pair.dir, 'out');
  const south = await runInTest(t, pair.south, { outDir: out });
  const [held] = [...pair.gateway.held.values()];
  await pair.gateway.knock(held!, south.port);
  const { entry, path } = await south.until('delivered');
  t.equal(path, join(out, 'letter.eml'));
  t.equal(readFileSync(path, 'utf8'), 'Subject: hello\r\n\r\nDear Bo\r\n');
  t.match(entry.facts, { from: 'ann@north.example', to: 'bo@south.example', mediaType: 'message/rfc822', flags: ['escrow-disclosed'] });
  await south.until('accepted');
  t.equal(held!.state, 'accepted');
  t.strictSame(readdirSync(join(pair.southDir, 'pending')), []);
  t.strictSame(readdirSync(join(pair.southDir, 'receiving')), []);

  const northAtWork = await runInTest(t, pair.north);
  t.match(await northAtWork.until('outcome'), { outcome: 'accepted' });
  t.equal(await stateOf(message), 'accepted');
  t.strictSame(readdirSync(join(pair.northDir, 'outgoing')), []);
  t.equal(pair.gateway.outbox.size, 0, 'and the gateway knows that we know');
});

t.test('carries every size whole, padded and not told from its neighbours', async (t) => {
  const pair = await makePair(t, { tls: false });
  const out = join(pair.dir, 'out');
  const sizes = [0, 1, 255, 65_535, 65_536, 65_537, 131_072, 262_143, 262_145, 1_000_003];
  for (const size of sizes) writeFileSync(join(pair.dir, `file-${size}`), systemRandom.bytes(size));
  const north = await pair.north();
  const messages = [];
  for (const size of sizes) messages.push(await north.prepare({ file: join(pair.dir, `file-${size}`), to: 'bo@south.example' }));
  await north.handOver(messages, 0, never);
  for (const message of messages) t.equal(await stateOf(message), 'in-custody');
  const south = await runInTest(t, pair.south, { outDir: out, count: sizes.length });
  for (const held of pair.gateway.held.values()) await pair.gateway.knock(held, south.port);
  while (south.events.filter(({ kind }) => kind === 'delivered').length < sizes.length) await new Promise((resolve) => setTimeout(resolve, 10));
  for (const size of sizes) t.strictSame(readFileSync(join(out, `file-${size}`)), readFileSync(join(pair.dir, `file-${size}`)), `${size} bytes`);
});
