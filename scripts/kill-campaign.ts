/**
 * `npm run campaign:kill`: two sites send messages to each other while their gateways, their domains and the commands
 * that send are killed with kill -9 at random instants. First nothing bad may happen; then the kills stop, and
 * everything has to finish: each message arrives once and unchanged, its sender learns it, and the stores are empty.
 * The seed is printed first. It repeats what is drawn, not the instants, which the machine decides.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { seededRandom } from '../base/random.js';
import { CampaignTraffic } from './campaign-traffic.js';
import { Killer } from './killer.js';
import { lookForRemains, lookForWrong } from './campaign-check.js';
import { startTwoSites } from './two-sites.js';
import type { LinkKind, TwoSites } from './two-sites.js';

export interface CampaignOptions {
  readonly kills: number;
  readonly seed: number;
  readonly link?: LinkKind;
  readonly say?: (line: string) => void;
  /** The folder is left where it is, with stores and logs. */
  readonly keep?: boolean;
}

export interface CampaignResult {
  /** By the name of the process; all senders are one. */
  readonly kills: Readonly<Record<string, number>>;
  readonly messages: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Whatever is not as it has to be. */
  readonly problems: readonly string[];
}

/** Bytes are under way for a moment, so that a kill finds some there. */
const DELAY_MS = 20;
/** After the kills: a receipt that was lost is asked for again after half a minute, a lane that failed opens within seconds. */
const SETTLE_MS = 8 * 60_000;
const LOOK_EVERY_MS = 500;
const SAY_EVERY_MS = 10_000;

export async function runCampaign({ kills, seed, link = 'tcpcl', say = () => undefined, keep = false }: CampaignOptions): Promise<CampaignResult> {
  const dir = await mkdtemp(join(tmpdir(), 'postern-kill-'));
  const startedMs = performance.now();
  const random = seededRandom(seed);
  const troubles: string[] = [];
  const onWord = (name: string, word: Readonly<Record<string, unknown>>): void => {
    if (word.level === 'error') troubles.push(`${name}: ${JSON.stringify(word)}`);
  };
  let sites: TwoSites | undefined;
  try {
    sites = await startTwoSites({ dir: join(dir, 'sites'), link, delayMs: DELAY_MS, impatient: true, onWord });
    await mkdir(join(dir, 'files'));
    const traffic = new CampaignTraffic(sites, join(dir, 'files'), random);
    const killer = new Killer(sites, traffic, random);
    const saying = setInterval(() => say(`${Math.round((performance.now() - startedMs) / 1000)} s: ${killer.total} kills, ${traffic.standing()}`), SAY_EVERY_MS);
    try {
      traffic.start();
      await killer.kill(kills);
      traffic.stopMaking();
      const late = await settle(sites, traffic);
      const problems = [...late, ...(await lookForWrong(sites, traffic.sent)), ...(late.length > 0 ? [] : await lookForRemains(sites))];
      await sites.stop();
      return {
        kills: killer.counts,
        messages: traffic.sent.length,
        bytes: traffic.sent.reduce((sum, { bytes }) => sum + bytes, 0),
        seconds: (performance.now() - startedMs) / 1000,
        problems: [...problems, ...traffic.faults, ...sites.processes.flatMap(({ faults }) => faults), ...troubles],
      };
    } finally {
      clearInterval(saying);
      await traffic.end();
    }
  } finally {
    await sites?.kill();
    if (keep) say(`Everything is in ${dir}.`);
    else await rm(dir, { recursive: true, force: true });
  }
}

/** Waits until every message has been accepted, as its sender knows. Gives those that have not been in time. */
async function settle(sites: TwoSites, traffic: CampaignTraffic): Promise<string[]> {
  const endMs = performance.now() + SETTLE_MS;
  for (;;) {
    const open = await traffic.notAccepted();
    if (open.length === 0) return [];
    if (performance.now() > endMs || sites.processes.some(({ pid }) => pid === undefined)) return open.map((name) => `${name}: not accepted ${SETTLE_MS / 60_000} min after the last kill`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

async function main(): Promise<number> {
  const asked = readArguments();
  if (asked === undefined) {
    process.stderr.write('Usage: npm run campaign:kill -- [--kills N] [--seed N] [--link tcpcl|https] [--keep]\n');
    return 2;
  }
  const { kills, seed, link } = asked;
  console.log(`npm run campaign:kill -- --kills ${kills} --seed ${seed} --link ${link}`);
  const result = await runCampaign({ ...asked, say: (line) => console.log(line) });
  console.log(`Kills: ${Object.entries(result.kills).map(([name, count]) => `${name} ${count}`).join(', ')}.`);
  console.log(`${result.messages} messages, ${result.bytes} bytes, ${Math.round(result.seconds)} s.`);
  for (const problem of result.problems) console.log(`PROBLEM ${problem}`);
  console.log(result.problems.length === 0 ? 'Nothing was lost, doubled or changed, and nothing ended by itself.' : `${result.problems.length} problems.`);
  return result.problems.length === 0 ? 0 : 1;
}

function readArguments(): Required<Omit<CampaignOptions, 'say'>> | undefined {
  try {
    const { values } = parseArgs({
      options: { kills: { type: 'string', default: '200' }, seed: { type: 'string' }, link: { type: 'string', default: 'tcpcl' }, keep: { type: 'boolean', default: false } },
    });
    const { link, keep } = values;
    const [kills, seed] = [Number(values.kills), Number(values.seed ?? Date.now() % 1_000_000)];
    return Number.isSafeInteger(kills) && Number.isSafeInteger(seed) && (link === 'tcpcl' || link === 'https') ? { kills, seed, link, keep } : undefined;
  } catch {
    return undefined;
  }
}

if (process.argv[1] === import.meta.filename) process.exitCode = await main();
