import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../base/clock.js';
import { systemRandom } from '../base/random.js';
import { ROOT, postern } from '../cli/cli-test-helper.js';
import { freeTcpPorts, freeUdpPort } from '../scripts/free-ports.js';
import { Domain } from './domain.js';
import type { DomainEvent } from './events.js';
import { stateOf } from './outgoing.js';
import { editConfig, never, runInTest } from './pair.test-helper.js';

const MIB = 1024 * 1024;

interface Site {
  readonly dir: string;
  north(events?: DomainEvent[]): Promise<Domain>;
  south(events?: DomainEvent[]): Promise<Domain>;
  start(): Promise<ChildProcess>;
}

/** A real gateway as a process, and two domains that are its clients: everything set up by the command line. */
async function makeSite(t: { teardown(action: () => unknown): void }, settings: (yaml: string) => string = (yaml) => yaml): Promise<Site> {
  const children: ChildProcess[] = [];
  const opened: Domain[] = [];
  t.teardown(async () => {
    for (const domain of opened) domain.close();
    for (const child of children) await stopped(child, 'SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });
  // A short path: the gateway's admin socket lies in it, and a socket's path has 100 bytes at most.
  const dir = mkdtempSync(join(tmpdir(), 'postern-'));
  const [port] = await freeTcpPorts(1);
  const at = (name: string): string => join(dir, name);
  const did = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await postern(args);
    if (code !== 0) throw new Error(`postern ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  await did('init', at('gateway'), '--name', 'shore', '--url', `https://127.0.0.1:${port}`, '--port', String(port));
  const config = at('gateway/postern.yaml');
  writeFileSync(config, settings(readFileSync(config, 'utf8')));
  await did('--config', config, 'peer', 'invite', '--out', at('shore.card'));
  for (const [name, user] of [['north', 'ann'], ['south', 'bo']] as const) {
    const knock = `127.0.0.1:${await freeUdpPort()}`;
    await did('domain', 'init', `${name}.example`, '--home', at(name), '--user', user, '--listen', knock, '--announce', knock);
    editConfig(at(name), (domain) => Object.assign(domain, { pollSeconds: 1 }));
    writeFileSync(at(`${name}.card`), await did('domain', 'card', '--home', at(name)));
    await did('--config', config, 'peer', 'add', at(`${name}.card`), '--yes');
  }
  await did('domain', 'know', at('south.card'), at('shore.card'), '--home', at('north'));
  await did('domain', 'know', at('north.card'), at('shore.card'), '--home', at('south'));
  const open = async (name: string, events?: DomainEvent[]): Promise<Domain> => {
    const domain = await Domain.open(at(name), { clock: systemClock, random: systemRandom, onEvent: (event) => void events?.push(event) });
    opened.push(domain);
    return domain;
  };
  const start = async (): Promise<ChildProcess> => {
    const child = spawn(process.execPath, [join(ROOT, 'dist/cli/postern.js'), '--json', '--config', config, 'run'], { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => Promise.reject(new Error('the gateway did not start')))]);
    return child;
  };
  return { dir, north: (events) => open('north', events), south: (events) => open('south', events), start };
}

t.test('a message goes through a real gateway, and its sender hears that it was accepted', async (t) => {
  const site = await makeSite(t);
  await site.start();
  writeFileSync(join(site.dir, 'file'), systemRandom.bytes(3 * MIB));
  const north = await site.north();
  const message = await north.prepare({ file: join(site.dir, 'file'), to: 'bo@south.example' });
  await north.handOver([message], 10_000, never);
  t.equal(await stateOf(message), 'in-custody');
  const south = await runInTest(t, site.south, { outDir: join(site.dir, 'out') });
  const { path } = await south.until('delivered');
  t.ok(readFileSync(path).equals(readFileSync(join(site.dir, 'file'))));
  const northAtWork = await runInTest(t, site.north);
  t.match(await northAtWork.until('outcome'), { outcome: 'accepted' });
  t.match(await north.retract(hexOf(message.record.locator), never), { outcome: 'accepted' }, 'and cannot take it back');
});

t.test('takes a message back that nobody has fetched', async (t) => {
  const site = await makeSite(t);
  await site.start();
  writeFileSync(join(site.dir, 'file'), 'in anger');
  const north = await site.north();
  const message = await north.prepare({ file: join(site.dir, 'file'), to: 'bo@south.example' });
  await north.handOver([message], 10_000, never);
  t.match(await north.retract(hexOf(message.record.locator).slice(0, 8), never), { outcome: 'retracted' });
  t.match(await north.retract(hexOf(message.record.locator).slice(0, 8), never), { outcome: 'retracted' }, 'once is enough');
  // What came before the retraction is gone; what comes after it arrives.
  writeFileSync(join(site.dir, 'second'), 'in peace');
  await north.handOver([await north.prepare({ file: join(site.dir, 'second'), to: 'bo@south.example' })], 10_000, never);
  const south = await runInTest(t, site.south, { outDir: join(site.dir, 'out') });
  await south.until('delivered');
  t.strictSame(readdirSync(join(site.dir, 'out')), ['second']);
});

t.test('goes on after the gateway was killed in the middle of a large message', async (t) => {
  const site = await makeSite(t);
  const first = await site.start();
  writeFileSync(join(site.dir, 'file'), systemRandom.bytes(24 * MIB));
  const events: DomainEvent[] = [];
  const north = await site.north(events);
  const message = await north.prepare({ file: join(site.dir, 'file'), to: 'bo@south.example' });
  const handing = north.handOver([message], 30_000, never);
  while (!events.some((event) => event.kind === 'handing-over' && event.doneBytes > 8 * MIB)) await new Promise((resolve) => setTimeout(resolve, 1));
  await stopped(first, 'SIGKILL');
  await site.start();
  await handing;
  t.equal(await stateOf(message), 'in-custody');
  const south = await runInTest(t, site.south, { outDir: join(site.dir, 'out') });
  const { path } = await south.until('delivered');
  t.ok(readFileSync(path).equals(readFileSync(join(site.dir, 'file'))));
});

t.test('says what a real gateway refuses', async (t) => {
  const site = await makeSite(t, (yaml) => `${yaml}\nlimits:\n  blobBytes: 2000000\n`);
  await site.start();
  writeFileSync(join(site.dir, 'file'), systemRandom.bytes(3 * MIB));
  const { code, stdout } = await postern(['--json', 'domain', 'send', '--home', join(site.dir, 'north'), '--to', 'bo@south.example', '--wait', '0', join(site.dir, 'file')]);
  t.equal(code, 4);
  t.match(JSON.parse(stdout), { state: 'offered', trouble: { gateway: 'shore', code: 'too-large', reason: String } });
});

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

async function stopped(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}
