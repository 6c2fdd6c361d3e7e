import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import t from 'tap';

const DEMO = join(import.meta.dirname, 'demo.js');
const LETTER = 'Subject: hello\r\n\r\nDear Bo\r\n';
const STEPS = ['sealed', 'receipt from west', 'receipt from east', 'east knocked', 'fetched', 'opened', 'accepted'];

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the demo; `onOutput` sees all that was printed so far, whenever there is more. */
async function demo(args: readonly string[], around: { readonly onOutput?: (stdout: string) => void; readonly tmpDir?: string } = {}): Promise<Ran> {
  const env = { ...process.env, ...(around.tmpDir !== undefined && { TMPDIR: around.tmpDir }) };
  const run = spawn(process.execPath, [DEMO, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const words = { stdout: '', stderr: '' };
  run.stdout.on('data', (bytes) => {
    words.stdout += String(bytes);
    around.onOutput?.(words.stdout);
  });
  run.stderr.on('data', (bytes) => (words.stderr += String(bytes)));
  const [code] = (await once(run, 'close')) as [number | null];
  return { code, ...words };
}

/** Does something to a process of the demo, once it has told its number. */
function toProcess(name: string, action: (pid: number) => void): (stdout: string) => void {
  let done = false;
  return (stdout) => {
    const pid = new RegExp(`${name} \\(process (\\d+)\\)`).exec(stdout)?.[1];
    if (done || pid === undefined) return;
    done = true;
    action(Number(pid));
  };
}

t.test('explains itself, and answers wrong usage', { timeout: 60_000 }, async (t) => {
  const absent = join(t.testdir(), 'absent');
  const [help, missing, ...wrong] = await Promise.all([['--help'], [absent], ['--frobnicate'], ['--link', 'pigeon'], ['--delay', 'long']].map((args) => demo(args)));
  t.equal(help?.code, 0);
  t.match(help?.stdout, /Usage: npm run demo/);
  t.equal(missing?.code, 1);
  t.match(missing?.stderr, absent);
  for (const { code, stderr } of wrong) {
    t.equal(code, 2);
    t.match(stderr, /--help/);
  }
});

t.test('brings every file across, byte for byte, and shows its custody', { timeout: 110_000 }, async (t) => {
  const dir = t.testdir({ a: { 'letter.eml': LETTER }, b: { 'letter.eml': 'another one', empty: '', byte: 'x' } });
  // Not in the folder of the test: its path is too long for sockets.
  const tmpDir = mkdtempSync(join(tmpdir(), 'pd-'));
  const files = ['a/letter.eml', 'b/letter.eml', 'b/empty', 'b/byte'].map((name) => join(dir, name));
  const bring = async (link: string): Promise<void> => {
    const outDir = join(dir, `by-${link}`);
    const { code, stdout, stderr } = await demo(['--out', outDir, '--link', link, '--delay', '30', ...files], { tmpDir });
    t.equal(code, 0, `${stdout}${stderr}`);
    const out = (name: string): string => readFileSync(join(outDir, name), 'utf8');
    t.strictSame(readdirSync(outDir).sort(), ['byte', 'empty', 'letter (2).eml', 'letter.eml'], 'files of one name do not overwrite each other');
    t.strictSame([out('letter.eml'), out('letter (2).eml')].sort(), ['another one', LETTER].sort());
    t.strictSame([out('empty'), out('byte')], ['', 'x']);
    for (const step of STEPS) t.match(stdout, `byte: ${step}`);
    t.match(stdout, /^byte +1 +\d+\.\d +\d+\.\d +yes/m);
    for (const name of ['west', 'east', 'north', 'south']) t.match(stdout, new RegExp(`^${name} +\\d+(\\.\\d)? MiB$`, 'm'));
  };
  await Promise.all(['tcpcl', 'https'].map(bring));
  t.strictSame(readdirSync(tmpDir), [], 'nothing is left behind');
  rmdirSync(tmpDir);
});

t.test('says which gateway ended, and that not all arrived', { timeout: 60_000 }, async (t) => {
  const kill = toProcess('east', (pid) => process.kill(pid, 'SIGKILL'));
  const { code, stdout, stderr } = await demo(['--delay', '30000'], { onOutput: kill });
  t.equal(code, 1, `${stdout}${stderr}`);
  t.match(stdout, /east ended by itself, by SIGKILL/);
  t.match(stdout, /letter\.eml (was not sealed|got as far as)/);
  t.match(stdout, /NOT all files came out identical/);
});

t.test('gives up in time when a gateway stands still', { timeout: 110_000 }, async (t) => {
  const dir = t.testdir({ letter: LETTER });
  const halt = toProcess('east', (pid) => process.kill(pid, 'SIGSTOP'));
  const { code, stdout } = await demo(['--delay', '1000', '--timeout', '6', join(dir, 'letter')], { onOutput: halt });
  t.equal(code, 1);
  t.match(stdout, /Gave up after 6 s/);
  t.match(stdout, /letter +\d+ +- +- +no/);
});
