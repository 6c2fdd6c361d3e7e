import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import type { RunningGateway } from '../../gateway/main.js';
import { testKey } from '../../gateway/gateway.test-helper.js';
import { Caller, client, messageNow, neighbour, recordOf, startGateway, until } from '../../proofs/real-gateway.test-helper.js';

const KEYS = { west: testKey(1), east: testKey(2), client: testKey(3), far: testKey(4) };
const DISCARD_PORT = 9;

/** As rsync does: under another name that begins with a dot, piece by piece, then moved into place. */
const PIECEWISE = 'set -e; part="$2/.$(basename "$1").Xy12Ab"; : > "$part"; size=$3; at=0; while [ $at -lt $size ]; do dd if="$1" bs=512 skip=$((at / 512)) count=4 2>/dev/null >> "$part"; at=$((at + 2048)); done; mv "$part" "$2/$(basename "$1")"';

const PROGRAMS: Readonly<Record<string, (inbox: string) => string[]>> = {
  'cp, which writes in place': (inbox) => ['cp', '{file}', inbox],
  'a script that writes a part and moves it': (inbox) => ['/bin/sh', '-c', PIECEWISE, 'sh', '{file}', inbox, '{size}'],
  rsync: (inbox) => ['rsync', '--whole-file', '{file}', `${inbox}/`],
};

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

for (const [name, program] of Object.entries(PROGRAMS)) {
  const skip = name === 'rsync' && !isInstalled('rsync') ? 'rsync is not installed' : false;
  t.test(`messages and their receipts cross two gateways as files by ${name}`, { skip, timeout: 60_000 }, async (t) => {
    const dir = await mkdtemp(path.join(tmpdir(), 'postern-'));
    t.teardown(() => rm(dir, { recursive: true, force: true }));
    const inboxOf = (end: 'west' | 'east'): string => path.join(dir, end, 'inbox');
    const link = (end: 'west' | 'east', to: 'west' | 'east'): unknown => ({ kind: 'command', program: program(inboxOf(to)), inbox: inboxOf(end), lookEveryMs: 100, retry: { firstMs: 200, capMs: 1000 } });
    await writeFile(path.join(dir, 'far.record'), recordOf(KEYS.far, 'example.org', DISCARD_PORT));
    const east = await start(t, dir, 'east', [client('far', KEYS.far, '../far.record'), neighbour('west', KEYS.west, [link('east', 'west')])]);
    const west = await start(t, dir, 'west', [client('client', KEYS.client), neighbour('east', KEYS.east, [link('west', 'east')])], [{ to: '*', via: 'east' }]);

    const messages = [messageNow(1, 'example.org', 300), messageNow(2, 'example.org', 900_000), messageNow(3, 'example.org', 3_000_000)];
    await new Caller(t, KEYS.west, west.address.port).submit(KEYS.client, messages);
    for (const { record } of messages) await until(async () => (await stateIn(west, record.rid)) === 'forwarded');
    const far = new Caller(t, KEYS.east, east.address.port);
    for (const { messageId, blob } of messages) t.ok(Buffer.from(blob).equals((await far.fetch(messageId)) ?? new Uint8Array()));
    for (const end of ['west', 'east'] as const) {
      await until(async () => (await readdir(inboxOf(end))).length === 1);
      t.same(await readdir(path.join(inboxOf(end), '.postern/refused')), [], 'nothing was refused');
      t.same(await readdir(path.join(dir, end, 'data/links', end === 'west' ? 'east' : 'west', 'command')), [], 'no file is left behind');
    }
  });
}

function start(t: Test, dir: string, name: 'west' | 'east', peers: unknown[], routes: unknown[] = []): Promise<RunningGateway> {
  return startGateway(t, { key: KEYS[name], name, dir: path.join(dir, name), config: { peers, routes } });
}

async function stateIn(gateway: RunningGateway, rid: Uint8Array): Promise<string | undefined> {
  return (await gateway.gateway.context.store.find(rid))?.state;
}
