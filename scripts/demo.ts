/**
 * `npm run demo`: the main job in one command. Files go in as messages of ann@north.example and come out at
 * bo@south.example, across two gateways and a slow line between them: four processes, real sockets, nothing else.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { commandLine } from './command-line.js';
import { CustodyWatch } from './custody-watch.js';
import { DemoScreen } from './demo-screen.js';
import { isSameContent, makeSamples, readInputs } from './demo-files.js';
import type { Input } from './demo-files.js';
import type { PosternProcess } from './postern-process.js';
import { startTwoSites } from './two-sites.js';
import type { LinkKind, TwoSites } from './two-sites.js';

const HELP = `Usage: npm run demo -- [options] [FILE…]

Sends each file as a message from one domain to another, across two gateways on this machine, and shows its custody as
it moves. Without FILE it makes samples of its own.

  --out DIR        where the files come out, each under its name (default: a folder that is removed at the end)
  --link KIND      the line between the gateways: tcpcl or https (default: tcpcl)
  --delay MS       how long every byte takes on that line, each way (default: 100)
  --timeout SEC    give up after so long (default: by the size of the files)
  --keep           leave the folder with keys, stores and logs where it is, and say where
  --help           this text

Exit codes: 0 every file came out identical, 1 it did not, 2 wrong usage.
`;

const DEFAULT_DELAY_MS = 100;
/** Without --timeout: long enough for a slow card on a busy machine. */
const BASE_TIMEOUT_SEC = 180;
const SLOWEST_BYTES_PER_SEC = 500_000;

const LOOK_EVERY_MS = 1000;

interface Options {
  readonly outDir: string | undefined;
  readonly link: LinkKind;
  readonly delayMs: number;
  readonly timeoutSec: number | undefined;
  readonly keep: boolean;
  readonly files: readonly string[];
}

class UsageError extends Error {}

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options === undefined) {
    process.stdout.write(HELP);
    return 0;
  }
  const interruption = interrupted();
  const dir = await mkdtemp(join(tmpdir(), 'postern-demo-'));
  try {
    const inputs = await readInputs(options.files.length > 0 ? options.files : await makeSamples(join(dir, 'samples')));
    return (await run(options, inputs, dir, interruption)) ? 0 : 1;
  } finally {
    if (options.keep) process.stderr.write(`Everything is in ${dir}.\n`);
    else await rm(dir, { recursive: true, force: true });
  }
}

async function run(options: Options, inputs: readonly Input[], dir: string, interruption: Promise<string>): Promise<boolean> {
  const screen = new DemoScreen(process.stdout, process.stderr);
  const watch = new CustodyWatch(
    inputs,
    (step) => screen.step(step),
    (label, doneBytes, totalBytes) => screen.moving(label, doneBytes, totalBytes),
  );
  const outDir = options.outDir ?? join(dir, 'out');
  const { link, delayMs } = options;
  screen.note(`Setting up north.example and its gateway west, south.example and its gateway east; ${link} between the gateways, ${delayMs} ms each way.`);
  const sites = await startTwoSites(
    { dir: join(dir, 'sites'), link, delayMs, logLevel: 'debug', outDirs: { south: outDir }, onWord: (name, word) => watch.hear(name, word) },
    ({ north, south }) => [north.gateway, south.gateway, south.receiver],
  );
  const north = sites.sender(sites.north, sites.south, inputs.map(({ file }) => file), '--follow');
  const processes = { west: sites.north.gateway, east: sites.south.gateway, north, south: sites.south.receiver };
  try {
    await north.start();
    screen.note(`Running: ${Object.entries(processes).map(([name, { pid }]) => `${name} (process ${pid ?? 0})`).join(', ')}.`);
    watchLine(sites, watch, screen);
    const totalBytes = inputs.reduce((sum, { bytes }) => sum + bytes, 0);
    const timeoutMs = (options.timeoutSec ?? BASE_TIMEOUT_SEC + totalBytes / SLOWEST_BYTES_PER_SEC) * 1000;
    const problem = await firstOf(watch.finished, ...Object.values(processes).map(async ({ exit, faults }) => exit.then(() => faults[0] ?? never())), timeout(timeoutMs), interruption);
    screen.end();
    const arrivals = await Promise.all(inputs.map(async (input, index) => ({ input, ...watch.arrival(index), identical: await isSameContent(input.file, watch.arrival(index).path) })));
    await (problem === undefined ? stop(sites, north) : killAll(processes));
    screen.table(arrivals, Object.entries(processes).map(([name, { peakRssBytes }]) => ({ name, peakRssBytes })));
    if (problem !== undefined) screen.note(`${problem}\n${watch.standing()}`);
    const good = problem === undefined && arrivals.every(({ identical }) => identical);
    screen.note(good ? `All ${inputs.length} files came out identical${options.outDir === undefined ? '' : `, in ${outDir}`}.` : 'NOT all files came out identical.');
    return good;
  } finally {
    screen.end();
    await killAll(processes);
    await sites.stop();
  }
}

/** How far the message between the gateways has come, by what west's status says of its link. */
function watchLine(sites: TwoSites, watch: CustodyWatch, screen: DemoScreen): void {
  let shown: { readonly input: Input; readonly fromBytes: number } | undefined;
  const look = async (): Promise<void> => {
    const input = watch.betweenGateways();
    const sentBytes = await sentBytesOf(sites);
    if (input === undefined || sentBytes === undefined) return;
    if (shown?.input !== input) shown = { input, fromBytes: sentBytes };
    if (watch.betweenGateways() === input) screen.moving(`west → east ${input.name}`, Math.min(sentBytes - shown.fromBytes, input.bytes), input.bytes);
  };
  setInterval(() => void look(), LOOK_EVERY_MS).unref();
}

async function sentBytesOf({ north }: TwoSites): Promise<number | undefined> {
  try {
    const { neighbours } = JSON.parse(await commandLine('--json', '--config', north.config, 'status')) as { neighbours: { links: { sentBytes: number }[] }[] };
    return neighbours[0]?.links[0]?.sentBytes;
  } catch {
    // It is stopping, or gone: the end of the run tells that.
    return undefined;
  }
}

/** All do what they have in hand, and end. */
async function stop(sites: TwoSites, north: PosternProcess): Promise<void> {
  await north.stop();
  await sites.stop();
}

/** Whatever state they are in: nothing of ours is left running. */
async function killAll(processes: Readonly<Record<string, PosternProcess>>): Promise<void> {
  await Promise.all(Object.values(processes).map((process) => process.kill()));
}

/** Undefined when the first one, the good end, came first. */
function firstOf(...ends: Promise<string | undefined>[]): Promise<string | undefined> {
  return Promise.race(ends);
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

function timeout(ms: number): Promise<string> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(`Gave up after ${Math.round(ms / 1000)} s.`), ms).unref();
  });
}

function interrupted(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve('Interrupted.'));
  });
}

function readOptions(args: readonly string[]): Options | undefined {
  const { values, positionals } = parse(args);
  if (values.help === true) return undefined;
  const { out, link } = values;
  if (link !== 'tcpcl' && link !== 'https') throw new UsageError(`--link is tcpcl or https, not "${link}".`);
  return {
    outDir: out === undefined ? undefined : resolve(out),
    link,
    delayMs: numberOf('--delay', values.delay),
    timeoutSec: values.timeout === undefined ? undefined : numberOf('--timeout', values.timeout),
    keep: values.keep === true,
    files: positionals,
  };
}

function parse(args: readonly string[]): ReturnType<typeof parseDemoArgs> {
  try {
    return parseDemoArgs(args);
  } catch (thrown) {
    throw new UsageError(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function parseDemoArgs(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      out: { type: 'string' },
      link: { type: 'string', default: 'tcpcl' },
      delay: { type: 'string', default: String(DEFAULT_DELAY_MS) },
      timeout: { type: 'string' },
      keep: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
}

function numberOf(option: string, text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text)) throw new UsageError(`${option} needs a number, and "${text}" is none.`);
  return value;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (thrown) {
  const isUsage = thrown instanceof UsageError;
  process.stderr.write(`demo: ${thrown instanceof Error ? thrown.message : String(thrown)}\n${isUsage ? 'See "npm run demo -- --help".\n' : ''}`);
  process.exitCode = isUsage ? 2 : 1;
}
