import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { systemRandom } from '../base/random.js';
import { editConfig, makePair } from '../domain/pair.test-helper.js';
import type { Pair } from '../domain/pair.test-helper.js';
import { freeUdpPort } from '../scripts/free-ports.js';
import { ROOT } from './cli-test-helper.js';

/** So many kills in all. A campaign sets more: POSTERN_KILLS=200 node dist/cli/domain-kill.test.js */
const KILLS = Number(process.env.POSTERN_KILLS ?? 8);
const KILLS_A_ROUND = 4;
const SIZES = [0, 1, 70_000, 300_000, 2_000_000];

t.setTimeout(60_000 + KILLS * 5000);

t.test('nothing is lost, doubled or changed by kill -9 of either end at any instant', async (t) => {
  const pair = await makePair(t);
  const port = await freeUdpPort();
  editConfig(pair.southDir, ({ knock }) => Object.assign(knock, { listenPort: port }));
  const knocking = setInterval(() => {
    for (const held of pair.gateway.held.values()) if (held.state === 'custody') void pair.gateway.knock(held, port);
  }, 50);
  t.teardown(() => clearInterval(knocking));
  let killed = 0;
  for (let round = 0; killed < KILLS; round += 1) {
    const names = SIZES.map((size) => `file-${round}-${size}`);
    for (const [index, name] of names.entries()) writeFileSync(join(pair.dir, name), systemRandom.bytes(SIZES[index]!));
    killed += await sendUnderFire(pair, names);
    t.equal(pair.gateway.held.size, SIZES.length * (round + 1), `one message a file, ${killed} kills so far`);
    killed += await receiveUnderFire(pair, `out-${round}`);
    const out = join(pair.dir, `out-${round}`);
    t.strictSame(readdirSync(out).sort(), [...names].sort(), `each file once, ${killed} kills so far`);
    for (const name of names) t.ok(readFileSync(join(out, name)).equals(readFileSync(join(pair.dir, name))), `${name} is whole`);
    for (const folder of ['receiving', 'pending']) t.strictSame(readdirSync(join(pair.southDir, folder)), [], folder);
  }
});

/** Gives the same command until it has ended by itself. */
async function sendUnderFire(pair: Pair, names: readonly string[]): Promise<number> {
  const args = ['send', '--home', pair.northDir, '--to', 'bo@south.example', ...names.map((name) => join(pair.dir, name))];
  for (let killed = 0; ; killed += 1) {
    const child = start(args);
    const timer = killed < KILLS_A_ROUND ? setTimeout(() => child.kill('SIGKILL'), instant()) : undefined;
    const [code] = (await once(child, 'exit')) as [number | null];
    clearTimeout(timer);
    if (code === 0) return killed;
    if (code !== null) throw new Error(`it ended with exit code ${code}`);
  }
}

/** Runs until everything is accepted, and is killed some times before. */
async function receiveUnderFire(pair: Pair, out: string): Promise<number> {
  mkdirSync(join(pair.dir, out));
  const isDone = (): boolean => [...pair.gateway.held.values()].every(({ state }) => state === 'accepted');
  for (let killed = 0; ; killed += 1) {
    const child = start(['receive', '--home', pair.southDir, '--out', join(pair.dir, out)]);
    const exit = once(child, 'exit');
    const endMs = Date.now() + (killed < KILLS_A_ROUND ? instant() : Infinity);
    while (!isDone() && Date.now() < endMs && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 2));
    if (child.exitCode !== null) throw new Error(`it ended with exit code ${child.exitCode}`);
    const done = isDone();
    child.kill(done ? 'SIGTERM' : 'SIGKILL');
    await exit;
    if (done) return killed;
  }
}

function start(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [join(ROOT, 'dist/cli/postern.js'), 'domain', ...args], { stdio: 'ignore' });
}

/** Node needs a tenth of a second to start, and the work is done within one or two: somewhere in there. */
function instant(): number {
  return 100 + Math.random() ** 2 * 1500;
}
