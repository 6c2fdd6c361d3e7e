/** Signals to running processes in the middle of a transfer: they finish or can be resumed, and what was promised comes through. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { seededRandom } from '../base/random.js';
import { commandLine } from '../scripts/command-line.js';
import type { PosternProcess } from '../scripts/postern-process.js';
import { startTwoSites } from '../scripts/two-sites.js';
import type { TwoSites } from '../scripts/two-sites.js';
import { until } from './real-gateway.test-helper.js';

const FILE_BYTES = 12_000_000;
/** A line of about 1 MB/s: the file is on its way for more than ten seconds. */
const DELAY_MS = 100;
const LINE_BYTES = 100_000;

interface Place {
  readonly sites: TwoSites;
  readonly file: string;
}

async function open(t: Test): Promise<Place> {
  const dir = mkdtempSync(path.join(tmpdir(), 'postern-signals-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const sites = await startTwoSites({ dir: path.join(dir, 'sites'), delayMs: DELAY_MS, lineBytes: LINE_BYTES, logLevel: 'debug' });
  t.teardown(() => sites.stop());
  const file = path.join(dir, 'large.bin');
  writeFileSync(file, seededRandom(12).bytes(FILE_BYTES));
  return { sites, file };
}

async function send({ sites: { north, south }, file }: Place): Promise<void> {
  await commandLine('domain', 'send', '--home', north.home, '--to', south.address, file);
}

/** East has a part of the blob, and not all of it. */
async function inTheMiddle({ sites: { south } }: Place): Promise<void> {
  await until(async () => {
    const status = JSON.parse(await commandLine('--config', south.config, '--json', 'status').catch(() => '{}')) as { store?: { incoming: number } };
    return (status.store?.incoming ?? 0) > 0;
  });
}

async function arrives(t: Test, { sites: { south }, file }: Place): Promise<void> {
  const out = path.join(south.outDir, path.basename(file));
  await until(() => {
    try {
      return readFileSync(out).equals(readFileSync(file));
    } catch {
      return false;
    }
  });
  t.pass('the file came out as it went in');
}

/** Signals the process and gives how it ended. */
async function signal(gateway: PosternProcess, ...signals: NodeJS.Signals[]): Promise<unknown> {
  const { exit, pid } = gateway;
  for (const [index, name] of signals.entries()) {
    if (index > 0) await pause(50);
    if (pid !== undefined) {
      try {
        process.kill(pid, name);
      } catch {
        // It has ended already.
      }
    }
  }
  const { code, signal: by } = await exit;
  return code ?? by;
}

t.test('SIGTERM and SIGINT in the middle of a transfer end both gateways cleanly, and the transfer goes on afterwards', { timeout: 110_000 }, async (t) => {
  const place = await open(t);
  const { north, south } = place.sites;
  const sending = send(place);
  await inTheMiddle(place);
  t.equal(await signal(south.gateway, 'SIGTERM'), 0, 'the receiving gateway');
  await south.gateway.start();
  await sending;
  await inTheMiddle(place);
  t.equal(await signal(north.gateway, 'SIGINT'), 0, 'the sending gateway');
  await north.gateway.start();
  await arrives(t, place);
  t.equal(await signal(south.receiver, 'SIGTERM'), 0, 'the domain');
});

t.test('a second SIGTERM does not wait, and costs nothing either', { timeout: 110_000 }, async (t) => {
  const place = await open(t);
  const { north } = place.sites;
  await send(place);
  await inTheMiddle(place);
  t.match(String(await signal(north.gateway, 'SIGTERM', 'SIGTERM')), /^(0|SIGTERM)$/);
  await north.gateway.start();
  await arrives(t, place);
});
