/**
 * Bundles cross between our LTP and ION's, both ways, on this machine: `node dist/scripts/interop-ltp.js --ion PREFIX`.
 * docs/interop.md says how to build ION. Outside CI.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { systemClock } from '../base/clock.js';
import { concatBytes } from '../base/bytes.js';
import { systemRandom } from '../base/random.js';
import { LtpLink } from '../links/ltp/ltp-link.js';
import { UdpDoor } from '../links/ltp/udp-door.js';
import { decodeBundle, encodeBundle, makeBatchBundle } from '../wire/bundle.js';
import { splitBundles } from '../wire/bundle-run.js';
import { toDtnTimeMs } from '../wire/dtn-time.js';
import { formatEid, parseEid } from '../wire/eid.js';
import { freeUdpPort } from './free-ports.js';

const OURS = 7;
const IONS = 9;
const LOCAL = '127.0.0.1';
const SIZES = [10, 5000, 70_000, 1_000_000];
const PATIENCE_MS = 60_000;

const { values } = parseArgs({ options: { ion: { type: 'string' } } });
if (values.ion === undefined) {
  process.stderr.write('usage: interop-ltp --ion PREFIX (where "make install" put ION)\n');
  process.exitCode = 2;
} else {
  process.exitCode = (await run(values.ion)) ? 0 : 1;
}

async function run(prefix: string): Promise<boolean> {
  const dir = mkdtempSync(join(tmpdir(), 'postern-ion-'));
  const ports = { ours: await freeUdpPort(), ion: await freeUdpPort() };
  const env = { ...process.env, PATH: `${join(prefix, 'bin')}:${process.env['PATH'] ?? ''}`, LD_LIBRARY_PATH: join(prefix, 'lib'), ION_NODE_LIST_DIR: dir };
  // Its daemons keep the output of whoever starts them.
  const ion = (...command: string[]): void => void spawnSync(command[0]!, command.slice(1), { cwd: dir, env, stdio: 'ignore', timeout: 30_000 });
  for (const [file, text] of Object.entries(configOf(dir, ports))) writeFileSync(join(dir, file), text);
  for (const admin of ['ion', 'ionsec', 'ltp', 'bp']) ion(`${admin}admin`, `${admin}rc`);

  const arrived: Uint8Array[] = [];
  const link = new LtpLink({
    neighbour: 'ion',
    engineId: OURS,
    peerEngineId: IONS,
    datagrams: new UdpDoor({ host: LOCAL, port: ports.ours }).wayTo({ host: LOCAL, port: ports.ion, fromPort: 'any' }),
    lightTimeMs: 0,
    marginMs: 1000,
    rateBytesPerSec: 2_000_000,
    unitsOf: splitBundles,
    clock: systemClock,
    random: systemRandom,
  });
  await link.start(async ({ bytes }) => {
    const parts: Uint8Array[] = [];
    for await (const part of bytes) parts.push(part);
    arrived.push(concatBytes(...parts));
    return { kind: 'taken' };
  });
  try {
    const there = await toIon(link, dir, env);
    const back = await fromIon(dir, ion, arrived);
    return there && back;
  } finally {
    await link.stop();
    for (const daemon of ['bp', 'ltp', 'ion']) ion(`${daemon}admin`, '.');
    rmSync(dir, { recursive: true, force: true });
  }
}

async function toIon(link: LtpLink, dir: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const receiver = spawn('bprecvfile', [`ipn:${IONS}.1`, String(SIZES.length)], { cwd: dir, env, stdio: 'ignore' });
  await pause(1000);
  let good = true;
  for (const [sequence, bytes] of SIZES.entries()) {
    const payload = systemRandom.bytes(bytes);
    const bundle = encodeBundle(
      makeBatchBundle({ source: parseEid(`ipn:${OURS}.1`)!, destination: parseEid(`ipn:${IONS}.1`)!, createdDtnMs: toDtnTimeMs(systemClock.nowMs()), sequence, lifetimeMs: 3_600_000, payload, hopLimit: 30 }),
    );
    const freight = {
      bytes: bundle.length,
      async *open() {
        yield bundle;
      },
    };
    const { kind } = await link.send(freight, new AbortController().signal);
    const file = join(dir, `testfile${sequence + 1}`);
    const came = await within(() => existsSync(file) && readFileSync(file).length === bytes);
    const same = came && digest(readFileSync(file)) === digest(payload);
    say(`to ION    ${bytes} bytes: ${kind}, ${same ? 'the same file came out' : 'NOT the same file'}`);
    good &&= same && kind === 'confirmed';
  }
  receiver.kill();
  return good;
}

async function fromIon(dir: string, ion: (...command: string[]) => void, arrived: readonly Uint8Array[]): Promise<boolean> {
  let good = true;
  for (const [index, bytes] of SIZES.entries()) {
    const payload = systemRandom.bytes(bytes);
    writeFileSync(join(dir, 'outgoing'), payload);
    ion('bpsendfile', `ipn:${IONS}.2`, `ipn:${OURS}.1`, 'outgoing');
    const came = await within(() => arrived.length > index);
    const bundle = came ? decodeBundle(arrived[index]!) : undefined;
    const same = bundle !== undefined && digest(bundle.payload.data) === digest(payload);
    say(`from ION  ${bytes} bytes: ${bundle === undefined ? 'nothing came' : `a bundle from ${formatEid(bundle.primary.source)}, ${same ? 'the same bytes' : 'OTHER bytes'}`}`);
    good &&= same;
  }
  return good;
}

/** Without aggregation, 1360 bytes a segment, everything red. */
function configOf(dir: string, ports: { readonly ours: number; readonly ion: number }): Record<string, string> {
  const contacts = [[IONS, IONS], [IONS, OURS], [OURS, IONS]].map(([from, to]) => `a contact +0 +36000 ${from} ${to} 1000000000\n`).join('');
  const { pid } = process;
  return {
    ionconfig: `wmKey ${60_000 + (pid % 5000)}\nsdrName postern${pid}\nwmSize 50000000\nconfigFlags 1\nheapWords 60000000\npathName ${dir}\n`,
    ionrc: `1 ${IONS} ${join(dir, 'ionconfig')}\ns\nm horizon +0\n${contacts}a range +0 +36000 ${IONS} ${OURS} 0\n`,
    ionsecrc: '1\n',
    ltprc: `1 100\na span ${OURS} 100 100 1360 1 1 'udplso ${LOCAL}:${ports.ours}'\ns 'udplsi ${LOCAL}:${ports.ion}'\n`,
    ipnrc: `a plan ${OURS} ltp/${OURS}\n`,
    bprc: `1\na scheme ipn 'ipnfw' 'ipnadminep'\na endpoint ipn:${IONS}.1 q\na endpoint ipn:${IONS}.2 q\na protocol ltp 1400 100\na induct ltp ${IONS} ltpcli\na outduct ltp ${OURS} ltpclo\nr 'ipnadmin ${join(dir, 'ipnrc')}'\ns\n`,
  };
}

async function within(condition: () => boolean): Promise<boolean> {
  const endMs = systemClock.monotonicMs() + PATIENCE_MS;
  while (!condition()) {
    if (systemClock.monotonicMs() > endMs) return false;
    await pause(50);
  }
  return true;
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
