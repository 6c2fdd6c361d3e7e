import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { handOut } from './hand-out.js';

t.test('moves the content to its name, and only once', async (t) => {
  const dir = t.testdir({ entry: { content: 'hello' } });
  const out = join(dir, 'out');
  t.equal(await handOut(join(dir, 'entry'), 'a.txt', out), join(out, 'a.txt'));
  t.equal(readFileSync(join(out, 'a.txt'), 'utf8'), 'hello');
  t.equal(await handOut(join(dir, 'entry'), 'a.txt', out), undefined);
  renameSync(join(out, 'a.txt'), join(dir, 'taken.txt'));
  t.equal(await handOut(join(dir, 'entry'), 'a.txt', out), undefined, 'not again when the user took it away');
  t.strictSame(readdirSync(out), []);
});

t.test('overwrites nothing', async (t) => {
  const dir = t.testdir({ entry: { content: 'new' }, out: { 'a.txt': 'theirs', 'a (2).txt': '' } });
  t.equal(await handOut(join(dir, 'entry'), 'a.txt', join(dir, 'out')), join(dir, 'out', 'a (3).txt'));
  t.equal(readFileSync(join(dir, 'out', 'a.txt'), 'utf8'), 'theirs');
});

t.test('goes on from where a crash left it', async (t) => {
  const dir = t.testdir({ out: {} });
  const out = join(dir, 'out');
  const entry = (name: string, handout: object): string => {
    mkdirSync(join(dir, name));
    writeFileSync(join(dir, name, 'content'), 'hello');
    writeFileSync(join(dir, name, 'handout.json'), JSON.stringify({ format: 1, ...handout }));
    return join(dir, name);
  };

  const chosen = entry('chosen', { path: join(out, 'chosen') });
  t.equal(await handOut(chosen, 'chosen', out), join(out, 'chosen'), 'the name was chosen');

  const reserved = entry('reserved', { path: join(out, 'reserved') });
  writeFileSync(join(out, 'reserved'), '');
  t.equal(await handOut(reserved, 'reserved', out), join(out, 'reserved'), 'and taken with an empty file');

  const lost = entry('lost', { path: join(out, 'lost') });
  writeFileSync(join(out, 'lost'), 'somebody else was quicker');
  t.equal(await handOut(lost, 'lost', out), join(out, 'lost (2)'), 'or somebody else took it');

  const copied = entry('copied', { path: join(out, 'copied'), part: join(out, 'copied.part') });
  writeFileSync(join(out, 'copied.part.moved'), '');
  t.equal(await handOut(copied, 'copied', out), undefined, 'the copy had been renamed into place');
  t.notOk(existsSync(join(copied, 'content')));
  t.notOk(existsSync(join(out, 'copied')), 'and the user had taken it since');

  const pulled = entry('pulled', { path: join(out, 'pulled'), part: join(out, 'pulled.part') });
  t.equal(await handOut(pulled, 'pulled', out), join(out, 'pulled'), 'the copy is on a stick that is not there now');
  t.strictSame(readdirSync(out).filter((name) => /part|moved/.test(name)), []);
});

t.test('copies to another file system', { skip: existsSync('/dev/shm') ? false : 'no second file system here' }, async (t) => {
  const dir = t.testdir({ entry: { content: 'hello' } });
  const out = spawnSync('mktemp', ['-d', '/dev/shm/postern-XXXXXX'], { encoding: 'utf8' }).stdout.trim();
  t.teardown(() => spawnSync('rm', ['-rf', out]));
  t.equal(await handOut(join(dir, 'entry'), 'a.txt', out), join(out, 'a.txt'));
  t.strictSame(readdirSync(out), ['a.txt']);
  t.equal(readFileSync(join(out, 'a.txt'), 'utf8'), 'hello');
  t.notOk(existsSync(join(dir, 'entry', 'content')));
});
