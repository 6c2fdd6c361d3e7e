/** What has to hold when a campaign is over: every message is there once and unchanged, and nobody holds anything any more. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { commandLine } from './command-line.js';
import type { CampaignMessage } from './campaign-traffic.js';
import type { Site, TwoSites } from './two-sites.js';

/** Messages that are missing or changed, and files that nobody sent, or that are there twice. */
export async function lookForWrong(sites: TwoSites, sent: readonly CampaignMessage[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const site of [sites.north, sites.south]) {
    const open = new Map<string, CampaignMessage[]>();
    for (const message of sent.filter(({ to }) => to === site)) {
      const key = keyOf(message.name, message.content);
      open.set(key, [...(open.get(key) ?? []), message]);
    }
    for (const name of await readdir(site.outDir).catch((): string[] => [])) {
      const key = keyOf(withoutNumber(name), await readFile(join(site.outDir, name)));
      if (open.get(key)?.pop() === undefined) wrong.push(`${join(site.outDir, name)}: nobody sent this, or it is here twice`);
    }
    for (const message of [...open.values()].flat()) wrong.push(`${message.file} (${message.bytes} bytes): not at ${site.domain}`);
  }
  return wrong;
}

/** Whatever is still in a queue, pending, or on its way: with every message accepted there is nothing. */
export async function lookForRemains(sites: TwoSites): Promise<string[]> {
  return (await Promise.all([sites.north, sites.south].map(remainsOf))).flat();
}

async function remainsOf(site: Site): Promise<string[]> {
  const remains: string[] = [];
  const { queues } = JSON.parse(await commandLine('--json', '--config', site.config, 'status')) as { queues: { target: string; records: number }[] };
  for (const { target, records } of queues) if (records > 0) remains.push(`${site.gateway.name} still holds ${records} in the queue ${target}`);
  const { pending, inbox } = JSON.parse(await commandLine('--json', 'domain', 'status', '--home', site.home)) as { pending: unknown[]; inbox: { message: string; acceptance: string }[] };
  if (pending.length > 0) remains.push(`${site.domain} still has ${pending.length} pending`);
  for (const { message, acceptance } of inbox) if (acceptance !== 'accepted') remains.push(`${site.domain}: message ${message} is ${acceptance}`);
  return remains;
}

/** A message of a few bytes is known by its name, which is its own; the others by what is in them. */
function keyOf(name: string, content: Uint8Array): string {
  return `${name} ${createHash('sha256').update(content).digest('hex')}`;
}

/** `report (3).txt` was handed out as `report.txt` would have been, had there been none. */
function withoutNumber(name: string): string {
  return basename(name).replace(/ \(\d+\)(?=\.|$)/, '');
}
