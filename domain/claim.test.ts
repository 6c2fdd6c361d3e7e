import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { claim, isClaimed, release } from './claim.js';

t.test('gives a message to one at a time', async (t) => {
  const dir = t.testdir({});
  t.notOk(await isClaimed(dir));
  t.strictSame(await Promise.all([claim(dir), claim(dir)]), [true, false]);
  t.ok(await isClaimed(dir));
  await release(dir);
  t.notOk(await isClaimed(dir));
  t.ok(await claim(dir));
  await release(dir);
  await release(dir);
  t.notOk(await claim(join(dir, 'gone')), 'a folder that has been filed away');
});

t.test('respects another process while it lives, and not after', async (t) => {
  const dir = t.testdir({});
  const program = `import(${JSON.stringify(join(import.meta.dirname, 'claim.js'))}).then(async ({ claim }) => { console.log(await claim(${JSON.stringify(dir)})); setInterval(() => {}, 1000); })`;
  const other = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(other.stdout, 'data')) as [Buffer];
  t.equal(said.toString(), 'true\n');
  t.ok(await isClaimed(dir));
  t.notOk(await claim(dir));
  other.kill('SIGKILL');
  await once(other, 'exit');
  t.notOk(await isClaimed(dir));
  t.ok(await claim(dir));
  await release(dir);
});

t.test('does not mistake another process for the one that had its number', { skip: existsSync('/proc/self/stat') ? false : 'this system does not tell when a process began' }, async (t) => {
  const parent = process.ppid;
  const dir = t.testdir({ claim: `${parent} 1` });
  t.notOk(await isClaimed(dir));
  t.ok(await claim(dir));
  t.match(readFileSync(join(dir, 'claim'), 'utf8'), new RegExp(`^${process.pid} \\d+$`));
  await release(dir);
  for (const nonsense of ['', 'x', '-1 0', `${process.pid} 5`]) {
    writeFileSync(join(dir, 'claim'), nonsense);
    t.ok(await claim(dir), `"${nonsense}" is nobody's`);
    await release(dir);
  }
});

t.test('keeps no claim that could not be written', async (t) => {
  const dir = t.testdir({ claim: {} });
  await t.rejects(claim(dir));
  rmSync(join(dir, 'claim'), { recursive: true });
  t.notOk(await isClaimed(dir));
  t.ok(await claim(dir), 'the next time there is room');
  await release(dir);
});
