import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { concatBytes, toHex } from '../base/bytes.js';
import { systemRandom } from '../base/random.js';
import { encodeBlobHead } from '../wire/blob-head.js';
import { acceptCommitment, locatorOf, retractCommitment } from '../wire/capability.js';
import { makeEnvelope } from '../wire/envelope.js';
import type { Envelope, EnvelopeFields } from '../wire/envelope.js';
import { kemKeyFromSeed, signingKeyFromSeed } from '../wire/keys.js';
import type { KemKey, SigningKey } from '../wire/keys.js';
import { recipientHash } from '../wire/recipient-hash.js';
import { makeRecord } from '../wire/record.js';
import { PayloadSealer, sealContentKey, sealEnvelope, sealInner } from '../wire/seal.js';
import type { Held } from './gateway.test-helper.js';
import { makePair, never, runInTest } from './pair.test-helper.js';
import type { Pair } from './pair.test-helper.js';

const nowSec = (): number => Math.floor(Date.now() / 1000);

/** What a sender may do differently from an honest one. */
interface Forgery {
  envelope?: (fields: EnvelopeFields) => EnvelopeFields;
  signWith?: SigningKey;
  sealEnvelope?: (kemKey: Uint8Array, envelope: Envelope) => Uint8Array;
  blob?: (blob: Uint8Array) => Uint8Array;
  /** Knocks for another message id than that of the blob. */
  otherId?: boolean;
  content?: Uint8Array;
}

/** A message from ann to bo, made by hand, in the custody of the gateway. */
async function forge(pair: Pair, forgery: Forgery): Promise<Held> {
  const south = (await pair.south()).card();
  const bo = south.users[0]!;
  const ann = userKeys(pair.northDir, 'ann');
  const contentKey = systemRandom.bytes(32);
  const sealer = new PayloadSealer(contentKey, systemRandom.bytes(16));
  const payload = concatBytes(...sealer.push(forgery.content ?? Buffer.from('hello')), ...sealer.finish());
  const honest: EnvelopeFields = {
    destination: 'south.example',
    sender: 'ann@north.example',
    recipientHash: recipientHash(ann.kem.publicKey, bo.kemKey, 'south.example'),
    salt: systemRandom.bytes(16),
    mimeType: 'text/plain',
    payloadBytes: sealer.sealed.payloadBytes,
    payloadHash: sealer.sealed.payloadHash,
    sentSec: nowSec(),
    expirySec: nowSec() + 3600,
    flags: { retraction: false, readReceiptRequested: false, escrowDisclosed: true },
    sealedContentKey: sealContentKey(bo.kemKey, bo.address, contentKey, systemRandom.bytes(32)),
    acceptSecret: systemRandom.bytes(16),
    name: 'letter.txt',
    contentBytes: sealer.sealed.contentBytes,
  };
  const envelope = makeEnvelope(forgery.signWith ?? ann.signing, forgery.envelope?.(honest) ?? honest);
  const sealed = (forgery.sealEnvelope ?? ((kemKey, made) => sealEnvelope(kemKey, made, systemRandom.bytes(32))))(south.domain.kemKey, envelope);
  const whole = concatBytes(encodeBlobHead(sealed), payload);
  const blob = forgery.blob?.(whole) ?? whole;
  const messageId = forgery.otherId === true ? systemRandom.bytes(24) : envelope.messageId;
  const locator = locatorOf(messageId);
  const record = makeRecord({
    destination: 'south.example',
    locator,
    expirySec: Math.ceil((nowSec() + 3600) / 3600) * 3600,
    blobBytes: blob.length,
    blobHash: createHash('sha256').update(blob).digest(),
    retractCommitment: retractCommitment(locator, new Uint8Array(16)),
    acceptCommitment: acceptCommitment(locator, envelope.acceptSecret),
    notification: sealInner(south.domain.kemKey, 'south.example', { recipientHash: honest.recipientHash, messageId, expirySec: nowSec() + 3600 }, systemRandom.bytes(32)),
  });
  return pair.gateway.hold(record, blob);
}

function userKeys(home: string, name: string): { signing: SigningKey; kem: KemKey } {
  const { signingSeed, kemSeed } = JSON.parse(readFileSync(join(home, 'keys', `user-${name}.json`), 'utf8')) as Record<string, string>;
  const seed = (hex: string | undefined): Uint8Array => new Uint8Array(Buffer.from(hex ?? '', 'hex'));
  return { signing: signingKeyFromSeed(seed(signingSeed)), kem: kemKeyFromSeed(seed(kemSeed)) };
}

t.test('delivers what is as it should be', async (t) => {
  const pair = await makePair(t);
  const running = await runInTest(t, pair.south);
  await pair.gateway.knock(await forge(pair, {}), running.port);
  t.match((await running.until('delivered')).entry.facts, { name: 'letter.txt', contentBytes: 5 });
  await running.until('accepted');
});

t.test('delivers and accepts nothing that is forged', async (t) => {
  const mallory = signingKeyFromSeed(new Uint8Array(32).fill(66));
  const otherKem = kemKeyFromSeed(new Uint8Array(32).fill(67)).publicKey;
  const pair = await makePair(t, { tls: false });
  const boKem = userKeys(pair.southDir, 'bo').kem.publicKey;
  const cases: [string, RegExp, Forgery][] = [
    ['signed by another key', /another key than the one pinned/, { signWith: mallory }],
    ['from somebody unknown', /not known here/, { envelope: (fields) => ({ ...fields, sender: 'eve@evil.example' }) }],
    ['from another user of the same domain', /not known here/, { envelope: (fields) => ({ ...fields, sender: 'eve@north.example' }) }],
    ['to another domain', /WIRE|addressed|seal/i, { envelope: (fields) => ({ ...fields, destination: 'west.example' }) }],
    ['to nobody here', /to nobody here/, { envelope: (fields) => ({ ...fields, recipientHash: systemRandom.bytes(24) }) }],
    ['sealed to another domain key', /seal/i, { sealEnvelope: (_, envelope) => sealEnvelope(otherKem, envelope, systemRandom.bytes(32)) }],
    ['a content key for somebody else', /content-key/, { envelope: (fields) => ({ ...fields, sealedContentKey: sealContentKey(otherKem, 'bo@south.example', systemRandom.bytes(32), systemRandom.bytes(32)) }) }],
    ['a content key that is not the payload\'s', /commitment|payload/, { envelope: (fields) => ({ ...fields, sealedContentKey: sealContentKey(boKem, 'bo@south.example', systemRandom.bytes(32), systemRandom.bytes(32)) }) }],
    ['a longer payload than it says', /payload/, { blob: (blob) => concatBytes(blob, new Uint8Array(10)) }],
    ['a shorter payload than it says', /payload/, { blob: (blob) => blob.subarray(0, blob.length - 1) }],
    ['an altered payload', /payload/, { blob: (blob) => flipped(blob, blob.length - 1) }],
    ['an altered envelope', /seal/i, { blob: (blob) => flipped(blob, 100) }],
    ['an envelope longer than the blob', /shorter than its envelope/, { blob: (blob) => Uint8Array.from(blob.subarray(0, 200)) }],
    ['an envelope of absurd length', /WIRE|limit/i, { blob: (blob) => Uint8Array.from([0xff, 0xff, 0xff, 0xff, ...blob.subarray(4)]) }],
    ['a blob of one byte', /shorter than its envelope/, { blob: () => Uint8Array.of(0) }],
    ['another message than the one knocked for', /another message/, { otherId: true }],
  ];
  const running = await runInTest(t, pair.south);
  for (const [what, reason, forgery] of cases) {
    const held = await forge(pair, forgery);
    await pair.gateway.knock(held, running.port);
    const locator = toHex(held.record.locator);
    let said: string | undefined;
    while (said === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      for (const event of running.events) if (event.kind === 'waiting' && event.locator === locator) said ??= event.reason;
    }
    t.match(said, reason, what);
  }
  t.notOk(running.events.some(({ kind }) => kind === 'delivered' || kind === 'trouble'));
  t.strictSame(readdirSync(join(pair.southDir, 'inbox')), []);
  t.strictSame(pair.gateway.openings, []);
});

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ 1 : byte));
}

t.test('makes a harmless name of whatever the sender calls it', async (t) => {
  const pair = await makePair(t);
  const out = join(pair.dir, 'out');
  const running = await runInTest(t, pair.south, { outDir: out });
  for (const name of ['../../etc/passwd', '/abs', '.hidden', 'a\u0000b\u001b[2J', 'x'.repeat(250), '..']) {
    await pair.gateway.knock(await forge(pair, { envelope: (fields) => ({ ...fields, name }) }), running.port);
  }
  while (running.events.filter(({ kind }) => kind === 'delivered').length < 6) await new Promise((resolve) => setTimeout(resolve, 10));
  t.equal(readdirSync(out).length, 6);
  t.strictSame(readdirSync(pair.dir).sort(), ['north', 'out', 'south']);
  for (const name of readdirSync(out)) t.notMatch(name, /^\.|\p{Cc}/u);
});

t.test('delivers a message once, though two processes have fetched it', async (t) => {
  const pair = await makePair(t);
  const held = await forge(pair, {});
  const both = await Promise.all([runInTest(t, pair.south), runInTest(t, pair.south)]);
  await Promise.all(both.map(({ port }) => pair.gateway.knock(held, port)));
  await Promise.race(both.map((running) => running.until('delivered')));
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.equal(both.flatMap(({ events }) => events).filter(({ kind }) => kind === 'delivered').length, 1);
  t.equal(readdirSync(join(pair.southDir, 'inbox')).length, 1);
});

t.test('accepts by hand when it is told to', async (t) => {
  const pair = await makePair(t);
  const held = await forge(pair, {});
  const running = await runInTest(t, pair.south, { accept: false });
  await pair.gateway.knock(held, running.port);
  const { entry } = await running.until('delivered');
  t.equal(held.state, 'custody');
  const south = await pair.south();
  t.match((await south.status()).inbox, [{ acceptance: 'delivered' }]);
  await t.rejects(south.accept(['ffffffff'], never), { code: 'DOMAIN_MESSAGE' });
  t.match(await south.accept([entry.locator.slice(0, 8)], never), [{ locator: entry.locator }]);
  t.equal(held.state, 'accepted');
  t.match((await south.status()).inbox, [{ acceptance: 'accepted' }]);
  t.strictSame(await south.accept(undefined, never), [], 'once');
});

t.test('tells of an acceptance until the holder has answered for it', async (t) => {
  const pair = await makePair(t);
  const held = await forge(pair, {});
  pair.gateway.misdeeds.batchStatus = 503;
  pair.gateway.misdeeds.forgetsOpenings = true;
  const running = await runInTest(t, pair.south);
  await pair.gateway.knock(held, running.port);
  await running.until('delivered');
  await running.stop();
  t.match((await (await pair.south()).status()).inbox, [{ acceptance: 'accepting' }]);
  t.equal(held.state, 'custody');
  delete pair.gateway.misdeeds.batchStatus;
  const later = await runInTest(t, pair.south);
  await later.until('accepted');
  t.equal(held.state, 'accepted');
});

const noMount = process.getuid?.() === 0 && spawnSync('mount', ['--version']).status === 0 ? false : 'no right to mount a small disk here';

function smallDisk(t: { teardown(action: () => unknown): void; equal(found: unknown, wanted: unknown): unknown }, folder: string): void {
  t.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', folder]).status, 0);
  t.teardown(() => spawnSync('umount', [folder]));
}

t.test('keeps a message pending while the disk is full, and delivers it when there is room', { skip: noMount }, async (t) => {
  const pair = await makePair(t);
  const held = await forge(pair, { content: systemRandom.bytes(600_000) });
  const inbox = join(pair.southDir, 'inbox');
  smallDisk(t, inbox);
  const running = await runInTest(t, pair.south);
  await pair.gateway.knock(held, running.port);
  const trouble = await running.until('trouble');
  t.match(trouble.thrown, { code: 'DOMAIN_DISK', data: { code: 'ENOSPC' } });
  t.strictSame(readdirSync(inbox), [], 'nothing half is left');
  t.equal(held.state, 'custody');
  spawnSync('mount', ['-o', 'remount,size=8m', inbox]);
  await running.until('delivered');
  t.equal(pair.gateway.fetches.length, 1, 'and it was fetched once');
  await running.until('accepted');
  await running.stop();
});

t.test('sends nothing half when the disk is full', { skip: noMount }, async (t) => {
  const pair = await makePair(t);
  const outgoing = join(pair.northDir, 'outgoing');
  writeFileSync(join(pair.dir, 'file'), systemRandom.bytes(600_000));
  smallDisk(t, outgoing);
  const north = await pair.north();
  await t.rejects(north.prepare({ file: join(pair.dir, 'file'), to: 'bo@south.example' }), { code: 'DOMAIN_DISK', data: { code: 'ENOSPC' } });
  t.strictSame(readdirSync(outgoing), []);
  spawnSync('mount', ['-o', 'remount,size=8m', outgoing]);
  await north.handOver([await north.prepare({ file: join(pair.dir, 'file'), to: 'bo@south.example' })], 0, never);
  t.equal(pair.gateway.held.size, 1);
});
