import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { editConfig, makePair } from '../domain/pair.test-helper.js';
import { hashFile } from '../domain/spool.js';
import { freeUdpPort } from '../scripts/free-ports.js';
import { ROOT } from './cli-test-helper.js';

/** Whoever held it in memory would be seen; docs/domain.md has the figures of 1 GiB, and POSTERN_LARGE_MIB=1024 repeats them. */
const LARGE_MIB = Number(process.env.POSTERN_LARGE_MIB ?? 128);
const MOST_KIB = 200 * 1000;

const skip = existsSync('/proc/self/status') ? false : 'this system does not tell how much memory a process has used';

t.setTimeout(60_000 + LARGE_MIB * 300);

t.test('a file of any size goes through either end in the memory of a small one', { skip }, async (t) => {
  const pair = await makePair(t);
  const file = join(pair.dir, 'large');
  writeFileSync(file, 'a file with a long hole');
  truncateSync(file, LARGE_MIB * 1024 * 1024 + 12_345);
  const port = await freeUdpPort();
  editConfig(pair.southDir, ({ knock }) => Object.assign(knock, { listenPort: port }));
  const out = join(pair.dir, 'out');
  mkdirSync(out);

  t.ok((await peakKib(['send', '--home', pair.northDir, '--to', 'bo@south.example', file])) < MOST_KIB, 'sending');
  const [held] = [...pair.gateway.held.values()];
  const knocking = setInterval(() => void pair.gateway.knock(held!, port), 200);
  t.teardown(() => clearInterval(knocking));
  t.ok((await peakKib(['receive', '--home', pair.southDir, '--once', '--out', out])) < MOST_KIB, 'receiving');
  t.equal(statSync(join(out, 'large')).size, statSync(file).size);
  t.strictSame(await hashFile(join(out, 'large')), await hashFile(file));
});

/** The most memory that the command has had at any time, as it was seen last before its end. */
async function peakKib(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [join(ROOT, 'dist/cli/postern.js'), 'domain', ...args], { stdio: 'ignore' });
  let peak = 0;
  const looking = setInterval(() => {
    try {
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0));
    } catch {
      // It has just ended.
    }
  }, 20);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearInterval(looking);
  if (code !== 0 || peak === 0) throw new Error(`postern domain ${args.join(' ')}: exit code ${code}`);
  return peak;
}
