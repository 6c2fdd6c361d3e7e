/** Gateways that are reached by sticks alone: a real folder is the stick, the store is in memory, the clock is ours. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { ManualClock } from '../base/clock.js';
import { nodeStickDisk } from '../links/usb/node-stick-disk.js';
import type { StickDisk } from '../links/usb/stick-disk.js';
import { STICK_FOLDER } from '../links/usb/stick-names.js';
import type { SigningKey } from '../wire/keys.js';
import { openTestGateway, testBatch, testKey } from './gateway.test-helper.js';
import type { TestGateway, TestGatewayOptions, TestMessage, TestPeer } from './gateway.test-helper.js';
import type { Imported } from './import.js';
import { StickLedger } from './stick-ledger.js';
import { StickService } from './stick-service.js';
import type { StickOutcome } from './stick-status.js';

export const CLIENT = testKey(1);

export interface StickSite extends TestGateway {
  readonly name: string;
  readonly sticks: StickService;
  readonly ledger: StickLedger;
  readonly key: SigningKey;
  /** Messages from this site's own client. */
  submit(messages: readonly TestMessage[]): Promise<void>;
  states(messages: readonly TestMessage[]): Promise<(string | undefined)[]>;
}

export interface SiteOptions extends Pick<TestGatewayOptions, 'routes' | 'largeBlobBytes' | 'capacityBytes' | 'stick' | 'priority'> {
  readonly name: string;
  readonly key: SigningKey;
  readonly neighbours: readonly TestPeer[];
  readonly serves?: string;
  readonly disk?: StickDisk;
}

export async function openSite(t: Test, clock: ManualClock, options: SiteOptions): Promise<StickSite> {
  const { name, key, neighbours, serves, disk, ...rest } = options;
  const ledger = await StickLedger.open(join(t.testdirName, `ledger-${name}`), (reason) => t.fail(reason));
  const client: TestPeer = { name: 'client', role: 'client', key: CLIENT, ...(serves !== undefined && { domain: serves }) };
  const site = await openTestGateway({ name, key, clock, peers: [client, ...neighbours], offered: ledger, ...rest });
  t.teardown(() => site.store.close());
  const sticks = new StickService({ gateway: site.gateway, ledger, disk: disk ?? nodeStickDisk });
  return {
    ...site,
    name,
    key,
    sticks,
    ledger,
    async submit(messages) {
      const answer = await site.gateway.takeBatch(testBatch(CLIENT, key, messages), 'direct');
      if (answer.kind !== 'answer' || answer.taken.rids.length < messages.length) throw new Error(`the batch was not taken: ${JSON.stringify(answer)}`);
    },
    states: (messages) => Promise.all(messages.map(async ({ record }) => (await site.store.find(record.rid))?.state)),
  };
}

/** An empty stick. */
export async function newStick(t: Test, name = 'stick'): Promise<string> {
  const dir = join(t.testdirName, name);
  await mkdir(dir, { recursive: true });
  return dir;
}

export async function bundlesOn(dir: string): Promise<string[]> {
  return (await readdir(join(dir, STICK_FOLDER))).filter((name) => name.endsWith('.bnd')).sort();
}

/** What an errand brought, by the fields that are given, each exactly: `match` takes whatever stands where an empty list should. */
export function broughtOf(t: Test, { imported }: StickOutcome, expected: Partial<Imported>, message = 'what the stick brought'): void {
  const found = Object.fromEntries(Object.keys(expected).map((key) => [key, imported?.[key as keyof Imported]]));
  t.strictSame(found, expected, message);
}
