import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import t from 'tap';
import type { Test } from 'tap';
import { ROOT, postern } from './cli-test-helper.js';

const SCENARIO = `
name: lab
lasts: 1 d
nodes: { mars: {}, earth: {} }
links: [{ between: [mars, earth], delay: 10 s, rate: 2 Mbit/s }]
faults: [{ kind: reboot, node: mars, at: 1 h }]
`;

t.test('a relay runs until it is told to stop, takes changes, and reports', async (t) => {
  const { scenario, socket } = await folder(t);
  const udp = createSocket('udp4').bind(0, '127.0.0.1');
  await once(udp, 'listening');
  t.teardown(() => void udp.close());
  const relay = relayProcess(t, ['--json', 'sim', 'relay', scenario, '--scale', '1000', '--control', socket, '--udp', `mars-earth:earth=0,127.0.0.1:${udp.address().port}`]);
  const up = await relay.word();
  t.match(up, { up: true, relay: 'lab', scale: 1000, control: socket, doors: [{ kind: 'udp', link: 'mars-earth', towards: 'earth' }], notImposed: ['reboot'] });
  udp.send('hello', (up.doors as { port: number }[])[0]!.port, '127.0.0.1');
  t.equal(String((await once(udp, 'message'))[0]), 'hello');

  const order = (...args: string[]): ReturnType<typeof postern> => postern(['--json', 'sim', ...args, '--control', socket]);
  t.match(JSON.parse((await order('relay-status')).stdout), { ways: [{ arrivedDatagrams: 1, delaySec: 10 }, {}] });
  t.match(JSON.parse((await order('relay-change', 'mars-earth', '--towards', 'earth', '--delay', '20 min', '--loss', '2 %')).stdout), { ways: [{ delaySec: 1200, changed: ['delay', 'loss'] }, { delaySec: 10 }] });
  t.match(JSON.parse((await order('relay-cut', 'mars-earth', '--for', '1 d')).stdout), { cuts: 1, ways: [{ cut: true }, { cut: true }] });
  const restored = JSON.parse((await order('relay-restore', 'mars-earth')).stdout) as { ways: { cut: boolean; delaySec: number; changed: string[] }[] };
  t.same(restored.ways.map(({ cut, delaySec, changed }) => [cut, delaySec, changed]), [[false, 10, []], [false, 10, []]]);
  t.match(await order('relay-cut', 'venus'), { code: 2, stderr: /There is no link venus/ });
  t.match(await order('relay-change', 'mars-earth', '--rate', 'fast'), { code: 2, stderr: /rate/ });
  t.match(await order('relay-change', 'mars-earth'), { code: 2, stderr: /Give what is to change/ });
  t.match((await postern(['sim', 'relay-status', '--control', socket])).stdout, /mars-earth to earth +open .*\n[^]*late in handing on: 1 times/);

  const second = await postern(['sim', 'relay', scenario, '--control', socket, '--tcp', 'mars-earth:earth=0,1']);
  t.match(second, { code: 1, stderr: /another process answers there/ });

  relay.kill();
  t.match(await relay.word(), { event: 'link' });
  t.match(await relay.word(), { event: 'link' });
  t.match(await relay.word(), { event: 'link' });
  t.match(await relay.word(), { up: false, cuts: 1, late: { handedOn: { count: 1 } } });
  t.equal(await relay.exit, 0);
  t.match(await order('relay-status'), { code: 3, stderr: /The relay is not running/ });
});

t.test('what cannot be done is told before anything is opened', async (t) => {
  const { scenario } = await folder(t);
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => void taken.close());
  const { port } = taken.address() as AddressInfo;
  const relay = (...args: string[]): ReturnType<typeof postern> => postern(['sim', 'relay', ...args]);
  t.match(await relay(scenario), { code: 2, stderr: /Give at least one --tcp or --udp/ });
  t.match(await relay(scenario, '--tcp', 'mars-earth'), { code: 2, stderr: /LINK:NODE=LISTEN,TARGET/ });
  t.match(await relay(scenario, '--tcp', 'mars-earth:earth=0,1', '--scale', '-1'), { code: 2, stderr: /--scale/ });
  t.match(await relay(scenario, '--tcp', 'mars-earth:earth=0,1', '--begins', 'soon'), { code: 2, stderr: /--begins/ });
  t.match(await relay(scenario, '--tcp', 'mars-earth:earth=0,1', '--queue', '3'), { code: 2, stderr: /--queue/ });
  t.match(await relay(scenario, '--tcp', 'venus-earth:earth=0,1'), { code: 2, stderr: /There is no link venus-earth. There is mars-earth/ });
  t.match(await relay(scenario, '--udp', 'mars-earth:venus=0,1'), { code: 2, stderr: /does not lead to venus, but to earth and mars/ });
  t.match(await relay(scenario, '--tcp', `mars-earth:earth=${port},1`), { code: 1, stderr: /another program listens there/ });
  t.match(await relay(join(scenario, 'nowhere'), '--tcp', 'mars-earth:earth=0,1'), { code: 2 });
});

async function folder(t: Test): Promise<{ scenario: string; socket: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'postern-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const scenario = join(dir, 'lab.yaml');
  writeFileSync(scenario, SCENARIO);
  return { scenario, socket: join(dir, 'relay.sock') };
}

function relayProcess(t: Test, args: readonly string[]) {
  const child = spawn(process.execPath, [join(ROOT, 'dist/cli/postern.js'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    exit: once(child, 'exit').then(([code]) => code as number),
    kill: () => void child.kill('SIGTERM'),
    word: async () => JSON.parse(String((await lines.next()).value)) as Record<string, unknown>,
  };
}
