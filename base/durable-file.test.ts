import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { utf8 } from '../base/bytes.js';
import { createDurably, dropTemporary, moveFolderDurably, sweepTemporaries, temporaryFolder, writeDurably } from './durable-file.js';

t.test('replaces a file and leaves nothing beside it', async (t) => {
  const dir = t.testdir({ state: 'old' });
  await writeDurably(join(dir, 'state'), utf8('new'));
  t.equal(readFileSync(join(dir, 'state'), 'utf8'), 'new');
  t.strictSame(readdirSync(dir), ['state']);
  t.equal(statSync(join(dir, 'state')).mode & 0o777, 0o600);
});

t.test('lets the first of two writers win', async (t) => {
  const dir = t.testdir({});
  const won = await Promise.all(['a', 'b', 'c'].map((text) => createDurably(join(dir, 'outcome'), utf8(text))));
  t.equal(won.filter(Boolean).length, 1);
  t.equal(readFileSync(join(dir, 'outcome'), 'utf8'), ['a', 'b', 'c'][won.indexOf(true)]);
  t.strictSame(readdirSync(dir), ['outcome']);
});

t.test('leaves nothing when the place cannot be written', async (t) => {
  const dir = t.testdir({ target: { full: 'x' } });
  await t.rejects(writeDurably(join(dir, 'target'), utf8('new')));
  t.strictSame(readdirSync(dir), ['target']);
});

t.test('moves a folder once', async (t) => {
  const dir = t.testdir({});
  const first = await temporaryFolder(dir);
  const second = await temporaryFolder(dir);
  writeFileSync(join(first, 'content'), 'first');
  writeFileSync(join(second, 'content'), 'second');
  t.ok(await moveFolderDurably(first, join(dir, 'entry')));
  t.notOk(await moveFolderDurably(second, join(dir, 'entry')), 'somebody was first');
  await dropTemporary(second);
  t.equal(readFileSync(join(dir, 'entry', 'content'), 'utf8'), 'first');
  t.strictSame(readdirSync(dir), ['entry']);
});

t.test('sweeps what dead processes left, and nothing else', async (t) => {
  const dir = t.testdir({ keep: 'x' });
  const living = await temporaryFolder(dir);
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
  const gone = spawn(process.execPath, ['-e', '']);
  await once(gone, 'exit');
  mkdirSync(join(dir, `.tmp-${gone.pid}-0`));
  writeFileSync(join(dir, `.tmp-${gone.pid}-1-state`), '');
  writeFileSync(join(dir, `.tmp-${child.pid}-0`), '');
  mkdirSync(join(dir, `.tmp-${process.pid}-999999`));
  await sweepTemporaries(dir);
  t.strictSame(readdirSync(dir).sort(), [living.slice(dir.length + 1), `.tmp-${child.pid}-0`, 'keep'].sort());
  child.kill('SIGKILL');
});
