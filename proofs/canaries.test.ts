import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { seededRandom } from '../base/random.js';
import { Canaries } from './canaries.test-helper.js';

const random = seededRandom(3);
const secret = Buffer.from(random.bytes(24));
const canaries = new Canaries().addBytes('secret', secret).addText('word', 'ann-of-the-north@north.example');
const around = (bytes: Uint8Array): Buffer => Buffer.concat([random.bytes(1001), bytes, random.bytes(777)]);

t.test('finds a secret in every form, at any place', async (t) => {
  for (const [what, bytes] of Object.entries({
    raw: secret,
    backwards: Buffer.from(secret).reverse(),
    hex: Buffer.from(secret.toString('hex')),
    HEX: Buffer.from(secret.toString('hex').toUpperCase()),
    base64: Buffer.from(secret.toString('base64')),
    base64url: Buffer.from(secret.toString('base64url')),
    'base64 behind one byte': Buffer.from(Buffer.concat([Buffer.from('x'), secret]).toString('base64')),
    'base64url of more': Buffer.from(Buffer.concat([Buffer.from('xy'), secret, Buffer.from('z')]).toString('base64url')),
  })) {
    t.ok(canaries.in(around(bytes)).some((name) => name.startsWith('secret ')), what);
  }
});

t.test('finds words', async (t) => {
  for (const text of ['ann-of-the-north@north.example', 'ann-of-the-north%40north.example']) t.ok(canaries.in(Buffer.from(`{"to":"${text}"}`)).length > 0);
  t.ok(canaries.in(Buffer.from('to ann-of-the-north@north.example', 'utf16le')).length > 0);
});

t.test('finds nothing where there is nothing', async (t) => {
  t.same(canaries.in(random.bytes(100_000)), []);
  t.same(canaries.in(secret.subarray(1)), []);
});

t.test('looks into files below a folder, and at their names', async (t) => {
  const dir = t.testdir({ a: { b: { 'c.bin': Buffer.concat([Buffer.alloc(5_000_000), secret]) } }, clean: 'nothing' });
  mkdirSync(join(dir, secret.toString('hex')));
  writeFileSync(join(dir, secret.toString('hex'), 'd'), '');
  const found = canaries.below(dir);
  t.ok(found.some((what) => what.startsWith('secret raw in a/b/c.bin')));
  t.ok(found.some((what) => what.includes('in the name')));
  t.notOk(found.some((what) => what.includes('clean')));
});
