import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { utf8 } from '../../base/bytes.js';
import { seededRandom } from '../../base/random.js';
import { fault, MemoryDisk } from '../../store/memory-disk.js';
import { nodeStickDisk } from './node-stick-disk.js';
import { forgetfulStick, watchedStick } from './stick-disk.test-helper.js';
import type { StickDisk } from './stick-disk.js';
import { Stick } from './stick.js';
import type { StickFreight } from './stick-transfer.js';

const OWNER = '0123456789abcdef';
const ID = new Uint8Array(16).fill(7);
const newHash = (): { update(bytes: Uint8Array): void; digest(): Uint8Array } => {
  const hash = createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() };
};
const open = (dir: string, disk: StickDisk = nodeStickDisk): Promise<Stick> => Stick.open({ disk, dir, owner: OWNER, newHash });
const nothing = (): Promise<void> => Promise.resolve();

function freightOf(content: Uint8Array): StickFreight & { readonly id: string } {
  const bodyHash = newHash();
  bodyHash.update(content);
  const digest = bodyHash.digest();
  const id = Buffer.from(digest.subarray(0, 16)).toString('hex');
  return {
    id,
    headBytes: 9,
    bodyBytes: content.length,
    async *body() {
      for (let at = 0; at < content.length; at += 100_000) yield content.subarray(at, at + 100_000);
    },
    complete: () => ({ id, head: utf8('MANIFEST!'), bodyHash: digest }),
  };
}

async function contentOf(stick: Stick, id: string): Promise<string> {
  const reader = await stick.open(id);
  const bytes = new Uint8Array(reader.bytes);
  await reader.read(0, bytes);
  await reader.close();
  return Buffer.from(bytes).toString('latin1');
}

t.test('a file gets on the stick whole, under the name of its hash, and comes off again', async (t) => {
  const dir = t.testdir({ 'holiday.jpg': 'theirs' });
  const stick = await open(dir);
  t.equal(stick.id, undefined);
  await stick.prepare(() => ID, 'a note\nfor the finder\n');
  const large = freightOf(seededRandom(1).bytes(2_500_000));
  let progressBytes = 0;
  t.same(await stick.put(large, (bytes) => (progressBytes += bytes), nothing), { kind: 'written' });
  t.equal(progressBytes, 2 * large.bodyBytes + large.headBytes, 'written and read back');
  const again = await open(dir);
  t.same(again.id, ID);
  const { files, refused } = await again.files();
  t.same([files.map(({ id, bytes }) => [id, bytes]), refused], [[[large.id, large.bodyBytes + 9]], []]);
  t.equal((await contentOf(again, large.id)).slice(0, 9), 'MANIFEST!');
  t.equal(await readFile(join(dir, 'POSTERN/README.TXT'), 'utf8'), 'a note\r\nfor the finder\r\n');
  await again.remove(large.id);
  await again.remove(large.id);
  t.same((await again.files()).files, []);
  t.same((await readdir(dir)).sort(), ['POSTERN', 'holiday.jpg']);
});

t.test('what has a name like ours and is not what we write is never opened; all else is nobody here knows', async (t) => {
  const name = (digit: string): string => `${digit.repeat(32)}.bnd`;
  const dir = t.testdir({
    POSTERN: {
      [name('a')]: 'plain',
      [name('b')]: t.fixture('symlink', '/etc/passwd'),
      [name('c')]: {},
      [name('e')]: '',
      [`${'A'.repeat(32)}.BND`]: 'the same name in another case',
      [`${'f'.repeat(200)}.bnd`]: 'a long name',
      '..evil.bnd': 'dots',
      'tmp-ffffffffffffffff-1.part': 'of another gateway',
      [`tmp-${OWNER}-3.part`]: 'ours, from a crash',
      'System Volume Information': {},
      '._x': 'junk',
    },
  });
  execFileSync('mkfifo', [join(dir, 'POSTERN', name('d'))]);
  const sparse = await import('node:fs/promises').then(({ open: openFile }) => openFile(join(dir, 'POSTERN', name('9')), 'w'));
  await sparse.truncate(2 ** 32);
  await sparse.close();
  const stick = await open(dir);
  const { files, refused } = await stick.files();
  t.same(files.map(({ id }) => id), ['a'.repeat(32)]);
  t.same(Object.fromEntries(refused.map(({ name: refusedName, reason }) => [refusedName.slice(0, 8), reason])), { '..evil.b': 'name', '99999999': 'too-large', AAAAAAAA: 'name', bbbbbbbb: 'link', cccccccc: 'folder', dddddddd: 'no-file', eeeeeeee: 'empty', ffffffff: 'name' });
  for (const digit of ['b', 'd']) await t.rejects(stick.open(digit.repeat(32)), { code: 'LINK_STICK' }, `${digit} is not opened when asked for, either`);
  const before = await readdir(join(dir, 'POSTERN'));
  await stick.prepare(() => ID, 'note');
  const after = await readdir(join(dir, 'POSTERN'));
  t.same(before.filter((entry) => !after.includes(entry)), [`tmp-${OWNER}-3.part`], 'only our own remains are swept');
});

t.test('a folder of ours that is a trap is refused, and what is no stick, too', async (t) => {
  const dir = t.testdir({ link: { POSTERN: t.fixture('symlink', '/etc') }, file: { POSTERN: 'no folder' }, lower: { postern: {} }, plain: 'x' });
  await t.rejects(open(join(dir, 'link')), { code: 'LINK_STICK', data: { reason: 'not-ours' } });
  await t.rejects(open(join(dir, 'file')), { code: 'LINK_STICK', data: { reason: 'not-ours' } });
  await t.rejects(open(join(dir, 'plain')), { code: 'LINK_STICK', data: { reason: 'no-folder' } });
  await t.rejects(open(join(dir, 'nowhere')), { code: 'LINK_STICK', data: { reason: 'missing' } });
  const lower = await open(join(dir, 'lower'));
  await lower.prepare(() => ID, 'note');
  t.same(await readdir(join(dir, 'lower')), ['postern'], 'a folder that a file system shows in lower case is ours');
});

t.test('an identity or a note that somebody replaced by a link is not written through', async (t) => {
  const dir = t.testdir({ victim: 'untouched', POSTERN: {} });
  for (const name of ['STICK.ID', 'README.TXT']) await symlink(join(dir, 'victim'), join(dir, 'POSTERN', name));
  const stick = await open(dir);
  t.equal(stick.id, undefined, 'a link is no identity');
  await stick.prepare(() => ID, 'note');
  t.equal(await readFile(join(dir, 'victim'), 'utf8'), 'untouched');
  t.same((await open(dir)).id, ID);
});

t.test('a stick that fills up, dies or lies leaves nothing under a name of ours', async (t) => {
  const cases: [string, (step: string, path: string) => void, object][] = [
    ['full', (step) => { if (step === 'write') throw fault('ENOSPC', 'stick'); }, { kind: 'full' }],
    ['gone', (step) => { if (step === 'sync') throw fault('EIO', 'stick'); }, { code: 'LINK_STICK', data: { reason: 'gone' } }],
    ['read-only', (step) => { if (step === 'create') throw fault('EROFS', 'stick'); }, { code: 'LINK_STICK', data: { reason: 'read-only' } }],
  ];
  for (const [name, before, expected] of cases) {
    const dir = join(t.testdirName, name);
    await mkdir(dir, { recursive: true });
    await (await open(dir)).prepare(() => ID, 'note');
    const stick = await open(dir, watchedStick(nodeStickDisk, (step, path) => (path.includes('tmp-') ? before(step, path) : undefined)));
    const put = await stick.put(freightOf(utf8('content')), () => undefined, nothing).catch((thrown: unknown) => thrown);
    t.match(put, expected, name);
    t.same((await readdir(join(dir, 'POSTERN'))).sort(), ['README.TXT', 'STICK.ID'], name);
  }
  const lying: StickDisk = { ...nodeStickDisk, async open(path, from) {
    if (from === 'medium') await writeFile(path, (await readFile(path)).fill(0, 20, 21));
    return nodeStickDisk.open(path, from);
  } };
  const stick = await open(join(t.testdirName, 'full'), lying);
  await t.rejects(stick.put(freightOf(utf8('what is written here is not kept')), () => undefined, nothing), { code: 'LINK_STICK', data: { reason: 'bad-medium' } });
  t.same((await stick.files()).files, []);
});

t.test('a power cut at any step leaves every file whole or absent, and none that was said to be written is lost', async (t) => {
  const random = seededRandom(5);
  const [first, second] = [freightOf(random.bytes(3000)), freightOf(random.bytes(5000))];
  let steps = 0;
  for (let cutAt = 1; cutAt === 1 || steps >= cutAt - 1; cutAt += 1) {
    const memory = new MemoryDisk();
    const said = new Set<string>();
    steps = 0;
    memory.before = () => {
      steps += 1;
      if (steps === cutAt) throw fault('EIO', 'the power is gone');
    };
    try {
      const stick = await open('stick', forgetfulStick(memory, ['stick']));
      await stick.prepare(() => ID, 'note');
      for (const freight of [first, second]) {
        await stick.put(freight, () => undefined, nothing);
        said.add(freight.id);
      }
    } catch {
      // The cut.
    }
    memory.before = undefined;
    memory.crash(() => random.fraction() < 0.5);
    const stick = await open('stick', forgetfulStick(memory, ['stick']));
    const { files } = await stick.files();
    for (const id of said) t.ok(files.some((file) => file.id === id), `cut at step ${cutAt}: what was said to be written is there`);
    for (const { id } of files) {
      const content = await contentOf(stick, id);
      const whole = id === first.id ? first : second;
      t.equal(content.length, whole.bodyBytes + 9, `cut at step ${cutAt}: whole`);
      const hash = newHash();
      hash.update(Buffer.from(content.slice(9), 'latin1'));
      t.same(hash.digest().subarray(0, 16).toString(), Buffer.from(id, 'hex').toString());
    }
    await stick.prepare(() => ID, 'note');
    for (const freight of [first, second]) await stick.put(freight, () => undefined, nothing);
    t.same((await stick.files()).files.length, 2, `cut at step ${cutAt}: the next visit goes through`);
    t.notOk(memory.paths().some((path) => path.endsWith('.part')));
  }
  t.ok(steps > 15, `${steps} steps were cut`);
});
