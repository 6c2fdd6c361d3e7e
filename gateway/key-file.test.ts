import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { createKeyFile, readKeyFile, readSecretFile } from './key-file.js';

const SEED = Uint8Array.from({ length: 32 }, (_, index) => index);

t.test('reads back the key it wrote, which others cannot read', async (t) => {
  const file = join(t.testdir(), 'gateway.key');
  t.equal(await createKeyFile(file, SEED), true);
  t.equal((await stat(file)).mode & 0o777, 0o600);
  t.same((await readKeyFile(file)).seed, SEED);
});

t.test('never replaces a key', async (t) => {
  const file = join(t.testdir({ 'gateway.key': 'precious' }), 'gateway.key');
  t.equal(await createKeyFile(file, SEED), false);
  t.equal(await readFile(file, 'utf8'), 'precious');
});

t.test('refuses a key that others may read', async (t) => {
  const file = join(t.testdir(), 'gateway.key');
  await createKeyFile(file, SEED);
  await chmod(file, 0o644);
  await t.rejects(readKeyFile(file), { code: 'CONFIG_KEY_EXPOSED', data: { file, mode: '0644' } });
});

t.test('refuses what is no key', async (t) => {
  const file = join(t.testdir(), 'gateway.key');
  for (const text of ['', 'postern-gateway-key-1 ', 'postern-gateway-key-1 AAAA\n', `postern-gateway-key-1 ${'A'.repeat(44)}\n`, 'x'.repeat(4096)]) {
    await writeFile(file, text, { mode: 0o600 });
    await t.rejects(readKeyFile(file), { code: 'CONFIG_KEY_INVALID', data: { file } });
  }
  await t.rejects(readKeyFile(join(t.testdirName, 'missing')), { code: 'CONFIG_KEY_UNREADABLE', data: { reason: 'ENOENT' } });
  await t.rejects(readKeyFile(t.testdirName), { code: 'CONFIG_KEY_UNREADABLE', data: { reason: 'EISDIR' } });
});

t.test('reads a secret that is long enough and nobody else may read', async (t) => {
  const file = join(t.testdir(), 'secret');
  await writeFile(file, ' what all listeners know\n', { mode: 0o600 });
  t.equal(Buffer.from(await readSecretFile(file)).toString(), 'what all listeners know');
  await chmod(file, 0o640);
  await t.rejects(readSecretFile(file), { code: 'CONFIG_KEY_EXPOSED' });
  await chmod(file, 0o600);
  await writeFile(file, 'short\n');
  await t.rejects(readSecretFile(file), { code: 'CONFIG_KEY_INVALID', data: { file } });
  await t.rejects(readSecretFile(join(t.testdirName, 'missing')), { code: 'CONFIG_KEY_UNREADABLE' });
});
