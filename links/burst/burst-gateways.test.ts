/** Two gateways as the daemon runs them, joined by two simulated modems on pseudo-terminals and the network between: messages, receipts, rings, and what it costs. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../base/clock.js';
import type { Clock } from '../../base/clock.js';
import { postern } from '../../cli/cli-test-helper.js';
import { testKey } from '../../gateway/gateway.test-helper.js';
import type { TestMessage } from '../../gateway/gateway.test-helper.js';
import type { RunningGateway } from '../../gateway/main.js';
import { Caller, client, LOCAL, messageNow, neighbour, recordOf, startGateway, until } from '../../proofs/real-gateway.test-helper.js';
import { PushedClock } from '../pushed-clock.test-helper.js';
import { SatelliteNetwork, SimulatedModem } from './modem.test-helper.js';
import { PseudoTerminal, whyNoTerminal } from './pseudo-terminal.test-helper.js';

const KEYS = { ship: testKey(1), shore: testKey(2), client: testKey(3), far: testKey(4) };
const DISCARD_PORT = 9;
const skip = whyNoTerminal();
t.setTimeout(90_000);

interface Pair {
  readonly modem: SimulatedModem;
  readonly shore: RunningGateway;
  submit(message: TestMessage): Promise<void>;
  /** Both ends have it behind them: delivered, and the receipt is home. */
  isDone(message: TestMessage): Promise<boolean>;
  /** What an operator on the ship types. */
  type(...words: string[]): Promise<string>;
}

async function pair(t: Test, clock: Clock, budget: object, priority: object = {}): Promise<Pair> {
  const dir = await mkdtemp(path.join(tmpdir(), 'postern-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  await writeFile(path.join(dir, 'far.record'), recordOf(KEYS.far, 'example.org', DISCARD_PORT));
  const network = new SatelliteNetwork();
  const modem = new SimulatedModem(network, 'ship', 'shore', systemClock);
  const shoreModem = new SimulatedModem(network, 'shore', 'ship', systemClock);
  const line = await PseudoTerminal.plugIn(t, path.join(dir, 'tty-ship'), modem);
  const shoreLine = await PseudoTerminal.plugIn(t, path.join(dir, 'tty-shore'), shoreModem);
  const config = {
    gateway: { name: 'ship', nodeId: 'dtn://ship/', publicUrl: `https://${LOCAL}:1`, keyFile: 'gateway.key' },
    adminSocket: path.join(dir, 'ship.sock'),
    listen: { https: { host: LOCAL, port: 0 } },
    store: { segmentBytes: 2 ** 21 },
    log: { level: 'silent' },
    peers: [client('client', KEYS.client), neighbour('shore', KEYS.shore, [{ kind: 'burst', device: line.path, largestBytes: 2048, budget }])],
    routes: [{ to: '*', via: 'shore' }],
    priority,
  };
  const home = path.join(dir, 'ship');
  await mkdir(home);
  await writeFile(path.join(home, 'postern.yaml'), JSON.stringify(config));
  const ship = await startGateway(t, { key: KEYS.ship, name: 'ship', dir: home, clock, config });
  const shore = await startGateway(t, {
    key: KEYS.shore,
    name: 'shore',
    dir: path.join(dir, 'shore'),
    config: { peers: [client('far', KEYS.far, '../far.record'), neighbour('ship', KEYS.ship, [{ kind: 'burst', device: shoreLine.path }])] },
  });
  const [shipCaller, shoreCaller] = [new Caller(t, KEYS.ship, ship.address.port), new Caller(t, KEYS.shore, shore.address.port)];
  return {
    modem,
    shore,
    submit: async (message) => void (await shipCaller.submit(KEYS.client, [message])),
    isDone: async ({ record, messageId, blob }) => (await ship.gateway.context.store.find(record.rid))?.state === 'forwarded' && Buffer.from(blob).equals((await shoreCaller.fetch(messageId)) ?? new Uint8Array()),
    async type(...words) {
      const { code, stdout, stderr } = await postern(['--config', path.join(home, 'postern.yaml'), ...words]);
      if (code !== 0) throw new Error(stderr);
      return stdout;
    },
  };
}

t.test('messages and receipts cross; the budget is told of, stops at its edge, and is lifted by the operator', { skip }, async (t) => {
  const clock = new PushedClock();
  const { modem, submit, isDone, type } = await pair(t, clock, { currency: 'GBP', price: { perMegabyte: 2600 }, limits: [{ per: 'day', sessions: 8 }], alertPercent: 30 });
  t.match(await type('status'), /0 of 8 sessions a day, anew in/);
  const first = messageNow(1, 'example.org', 300);
  await submit(first);
  await until(() => isDone(first));
  const billed = modem.bill.reduce((sum, { up, down }) => sum + billedBytes(up) + billedBytes(down), 0);
  await until(async () => (await type('status')).includes(`${billed} B, ${modem.bill.length} sessions`));
  t.match(await type('status'), `this month ${((billed * 2600) / 1e6).toFixed(2)} GBP`, 'counted as the network bills');
  t.match(await type('status'), `${modem.bill.length} of 8 sessions a day, NEARLY SPENT, anew in`, 'the soft alert');

  const second = messageNow(2, 'example.org', 1200);
  await submit(second);
  await until(async () => /8 of 8 sessions a day, SPENT/.test(await type('status')));
  await until(() => modem.sessions === 8);
  modem.ring();
  await until(async () => /the day's sessions are spent: 8 of 8/.test(await type('status', '--json')));
  t.equal(modem.sessions, 8, 'not one more, nor for a ring');

  await type('link', 'lift', 'shore/burst', '--hours', '2');
  t.match(await type('status'), /LIFTED by the operator for/);
  clock.push(60_000);
  await until(() => isDone(second));
  t.match(await type('status'), new RegExp(`${modem.sessions} of 8 sessions a day`), 'counted all the same');
});

function billedBytes(bytes: number): number {
  return bytes === 0 ? 0 : Math.ceil(Math.max(bytes, 50) / 50) * 50;
}

t.test('what is urgent goes before what came earlier', { skip }, async (t) => {
  const { shore, modem, submit, type } = await pair(t, systemClock, { limits: [{ per: 'day', sessions: 0 }] }, { rules: [{ to: 'urgent.example', class: 'urgent' }, { to: '*', class: 'bulk' }] });
  const [bulk, urgent] = [messageNow(1, 'example.org', 1200), messageNow(2, 'urgent.example', 1200)];
  await submit(bulk);
  await submit(urgent);
  t.match(await type('status'), /0 of 0 sessions a day, SPENT/);
  t.equal(modem.sessions, 0);
  await type('link', 'lift', 'shore/burst', '--hours', '1');
  const heldAt = async ({ record }: TestMessage): Promise<number | undefined> => (await shore.gateway.context.store.find(record.rid))?.heldAtMs;
  await until(async () => (await heldAt(bulk)) !== undefined);
  t.ok((await heldAt(urgent))! < (await heldAt(bulk))!);
});

t.test('a test of the link sends what a unit carries, and tells what the network has billed', { skip }, async (t) => {
  const { modem, type, submit, isDone } = await pair(t, systemClock, { currency: 'GBP', price: { perMegabyte: 2600 } });
  const text = await type('link', 'test', 'shore');
  const billed = modem.bill.reduce((sum, { up, down }) => sum + billedBytes(up) + billedBytes(down), 0);
  t.match(text, /^shore\/burst works: it takes a message in .*, and says nothing of its arrival, .*\/s\. The test sent /);
  t.match(text, `cost ${((billed * 2600) / 1e6).toFixed(2)} GBP`);
  t.comment(text);
  t.ok(modem.bill.length > 2, `${modem.bill.length} sessions`);
  const message = messageNow(1, 'example.org', 300);
  await submit(message);
  await until(() => isDone(message));
  t.pass('what comes after it arrives');
});
