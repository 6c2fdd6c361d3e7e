/**
 * The kill campaign: messages flow both ways between two sites while kill -9 hits their gateways and domains at random
 * instants. When the kills stop, every message has to be there once, unchanged. The seed is printed first; it repeats the order
 * of kills and sizes, not the instants, which the machine decides.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../base/random.js';
import type { Random } from '../base/random.js';
import type { PosternProcess } from './postern-process.js';
import { startTwoSites } from './two-sites.js';
import type { LinkKind, Site, TwoSites } from './two-sites.js';

export interface Campaign {
  readonly kills: number;
  readonly seed: number;
  readonly link?: LinkKind;
  readonly say?: (line: string) => void;
}

export interface CampaignResult {
  readonly kills: number;
  readonly messages: number;
  readonly arrived: number;
  /** Names of files that are missing, changed, there twice, or there though nobody sent them. */
  readonly wrong: readonly string[];
  /** Processes that ended by themselves. */
  readonly faults: readonly string[];
  readonly seconds: number;
}

const SIZES_BYTES = [0, 1, 1024, 1024, 300_000, 3_000_000];
const LONGEST_WAIT_MS = 900;
/** After the last kill everything has to arrive within this: a link that failed is tried again within minutes. */
const SETTLE_MS = 10 * 60_000;

interface Sent {
  readonly from: Site;
  readonly to: Site;
  readonly file: string;
  readonly hash: string;
}

export async function runCampaign({ kills, seed, link = 'tcpcl', say = () => undefined }: Campaign): Promise<CampaignResult> {
  const random = seededRandom(seed);
  const dir = await mkdtemp(join(tmpdir(), 'postern-kill-'));
  const startMs = performance.now();
  const sites = await startTwoSites({ dir: join(dir, 'sites'), link });
  const faults: string[] = [];
  try {
    await mkdir(join(dir, 'in'));
    const sent: Sent[] = [];
    const senders: PosternProcess[] = [];
    for (let kill = 1; kill <= kills; kill += 1) {
      if (sent.length < kill) {
        const message = await makeMessage(sites, random, dir, sent.length);
        sent.push(message);
        senders.push(await send(sites, message));
      }
      await sleep(random.fraction() * LONGEST_WAIT_MS);
      const victim = sites.processes[Math.floor(random.fraction() * 4)] as PosternProcess;
      await victim.kill();
      await sleep(random.fraction() * 200);
      await victim.start();
      if (kill % 20 === 0) say(`${kill} kills, ${sent.length} messages sent`);
    }
    await Promise.all(senders.map((sender) => sender.exit));
    // What a killed gateway did not take is handed over by the same command given again.
    for (const message of sent) await (await send(sites, message)).exit;
    const wrong = await settle(sites, sent, say);
    faults.push(...sites.processes.flatMap((process) => process.faults));
    await sites.stop();
    return { kills, messages: sent.length, arrived: sent.length - wrong.filter((line) => !line.endsWith('nobody sent')).length, wrong, faults, seconds: (performance.now() - startMs) / 1000 };
  } finally {
    await sites.stop().catch(() => undefined);
    await rm(dir, { recursive: true, force: true });
  }
}

async function makeMessage(sites: TwoSites, random: Random, dir: string, index: number): Promise<Sent> {
  const bytes = random.bytes(SIZES_BYTES[Math.floor(random.fraction() * SIZES_BYTES.length)] as number);
  const file = join(dir, 'in', `message-${index}`);
  await writeFile(file, bytes);
  const north = random.fraction() < 0.5;
  return { from: north ? sites.north : sites.south, to: north ? sites.south : sites.north, file, hash: hashOf(bytes) };
}

async function send(sites: TwoSites, { from, to, file }: Sent): Promise<PosternProcess> {
  const sender = sites.sender(from, to, [file], '--wait', '1');
  await sender.start();
  return sender;
}

/** Waits until every message is there, then looks at what is there. */
async function settle(sites: TwoSites, sent: readonly Sent[], say: (line: string) => void): Promise<string[]> {
  const endMs = performance.now() + SETTLE_MS;
  let wrong = await compare(sites, sent);
  while (wrong.length > 0 && performance.now() < endMs) {
    await sleep(2000);
    wrong = await compare(sites, sent);
    say(`${wrong.length} still on their way`);
  }
  return wrong;
}

async function compare(sites: TwoSites, sent: readonly Sent[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const site of [sites.north, sites.south]) {
    const expected = new Map(sent.filter((message) => message.to === site).map((message) => [basename(message.file), message.hash]));
    const found = await readdir(site.outDir).catch((): string[] => []);
    for (const name of found) {
      if (!expected.has(name)) wrong.push(`${site.domain}/${name}: nobody sent`);
      else if (hashOf(await readFile(join(site.outDir, name))) !== expected.get(name)) wrong.push(`${site.domain}/${name}: changed`);
    }
    for (const name of expected.keys()) if (!found.includes(name)) wrong.push(`${site.domain}/${name}: missing`);
  }
  return wrong;
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({ options: { kills: { type: 'string', default: '200' }, seed: { type: 'string' }, link: { type: 'string', default: 'tcpcl' } } });
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}: npm run campaign:kill -- --kills ${values.kills} --seed ${seed} --link ${values.link}`);
  const result = await runCampaign({ kills: Number(values.kills), seed, link: values.link as LinkKind, say: (line) => console.log(line) });
  console.log(`${result.kills} kills, ${result.messages} messages, ${result.arrived} arrived once and unchanged, in ${Math.round(result.seconds)} s`);
  for (const line of [...result.wrong, ...result.faults]) console.log(line);
  process.exitCode = result.wrong.length + result.faults.length === 0 ? 0 : 1;
}
