/** Gateways and domains that cannot start, or cannot speak with whom they should: each says why by a code, and leaves alone what is there. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../base/clock.js';
import { systemRandom } from '../base/random.js';
import { createDomain, Domain } from '../domain/domain.js';
import { testKey } from '../gateway/gateway.test-helper.js';
import { runGateway } from '../gateway/main.js';
import type { RunningGateway } from '../gateway/main.js';
import { freeTcpPorts } from '../scripts/free-ports.js';
import { Caller, client, configFor, LOCAL, messageNow, neighbour, startGateway, until } from './real-gateway.test-helper.js';
import type { GatewayWishes } from './real-gateway.test-helper.js';

const GATE = testKey(1);
const CLIENT = testKey(2);
const EAST = testKey(3);
const IMPOSTOR = testKey(4);

async function refuses(t: Test, wishes: GatewayWishes, code: string, words: RegExp): Promise<void> {
  await t.rejects(runGateway(await configFor(t, wishes), systemClock, systemRandom), { code, message: words }, code);
}

/** Starts as if nothing had been. */
async function startsNow(t: Test, wishes: GatewayWishes): Promise<RunningGateway> {
  const running = await startGateway(t, wishes);
  const message = messageNow(70, 'nowhere.example');
  const answer = await new Caller(t, wishes.key, running.address.port).submit(CLIENT, [message]);
  t.equal(answer.controls[0]?.kind, 'receipt', 'and starts once that is mended');
  return running;
}

async function takenPort(t: Test): Promise<number> {
  const server = createServer().listen(0, LOCAL);
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

t.test('a port that another program has', async (t) => {
  const dir = t.testdir();
  const port = await takenPort(t);
  const [other = 0] = await freeTcpPorts(1);
  const peers = [client('client', CLIENT)];
  const https = { key: GATE, dir, config: { peers, listen: { https: { host: LOCAL, port } } } };
  await refuses(t, https, 'GATEWAY_LISTEN', new RegExp(`${LOCAL}:${port}.*another program`));
  const east = neighbour('east', EAST, [{ kind: 'tcpcl' }]);
  const tcpcl = { key: GATE, dir, config: { peers: [...peers, east], listen: { https: { host: LOCAL, port: 0 }, tcpcl: { host: LOCAL, port } } } };
  await refuses(t, tcpcl, 'LINK_LISTEN', new RegExp(String(port)));
  await startsNow(t, { key: GATE, dir, config: { peers, listen: { https: { host: LOCAL, port: other } } } });
});

t.test('the admin socket: a file of somebody else, a folder that is not there, a path too long', async (t) => {
  const dir = t.testdir({ 'in-the-way': 'precious' });
  const at = (adminSocket: string): GatewayWishes => ({ key: GATE, dir, config: { adminSocket, peers: [client('client', CLIENT)] } });
  const short = path.relative(process.cwd(), dir);
  process.chdir(dir);
  t.teardown(() => process.chdir(path.resolve(dir, path.relative(dir, short === '' ? dir : process.cwd()))));
  await refuses(t, at('in-the-way'), dir.length > 80 ? 'GATEWAY_SOCKET_PATH' : 'GATEWAY_LISTEN', /in-the-way/);
  await refuses(t, at(`${'x'.repeat(120)}.sock`), 'GATEWAY_SOCKET_PATH', /too long/);
  await startsNow(t, { key: GATE, dir, config: { peers: [client('client', CLIENT)] } });
});

t.test('the port for knocks of a domain', async (t) => {
  const socket = createSocket('udp4');
  socket.bind(0, LOCAL);
  await once(socket, 'listening');
  const { port } = socket.address();
  const dir = path.join(t.testdir(), 'home');
  const deps = { clock: systemClock, random: systemRandom };
  await createDomain(dir, { name: 'south.example', listenHost: LOCAL, listenPort: port, endpoints: [{ host: LOCAL, udpPort: port }] }, deps);
  const domain = await Domain.open(dir, deps);
  t.teardown(() => domain.close());
  await t.rejects(domain.run({ accept: true, onRequest: false }, new AbortController().signal), { code: 'DOMAIN_PORT', message: new RegExp(String(port)) });
  await new Promise<void>((resolve) => socket.close(resolve));
  const stopping = new AbortController();
  const running = domain.run({ accept: true, onRequest: false }, stopping.signal);
  setTimeout(() => stopping.abort(), 100);
  await running;
  t.pass('and listens once it is free');
});

t.test('a key file that is damaged, gone, or readable by others', async (t) => {
  const dir = t.testdir();
  const wishes: GatewayWishes = { key: GATE, dir, config: { peers: [client('client', CLIENT)] } };
  const { gateway } = await configFor(t, wishes);
  const good = `postern-gateway-key-1 ${Buffer.from(GATE.seed).toString('base64url')}\n`;
  for (const [text, code, words] of [
    ['', 'CONFIG_KEY_INVALID', /backup/],
    [good.slice(0, -3), 'CONFIG_KEY_INVALID', /backup/],
    [good.replace('key-1', 'key-9'), 'CONFIG_KEY_INVALID', /backup/],
    ['-----BEGIN PRIVATE KEY-----\n', 'CONFIG_KEY_INVALID', /backup/],
  ] as const) {
    writeFileSync(gateway.keyFile, text);
    await refuses(t, wishes, code, words);
  }
  writeFileSync(gateway.keyFile, good);
  for (const mode of [0o644, 0o640, 0o604]) {
    chmodSync(gateway.keyFile, mode);
    await refuses(t, wishes, 'CONFIG_KEY_EXPOSED', /chmod 600/);
  }
  chmodSync(gateway.keyFile, 0o600);
  await startsNow(t, wishes);
});

t.test('a second gateway on the same data', async (t) => {
  const dir = t.testdir();
  const wishes: GatewayWishes = { key: GATE, dir, config: { peers: [client('client', CLIENT)] } };
  const first = await startGateway(t, wishes);
  const caller = new Caller(t, GATE, first.address.port);
  const message = messageNow(71, 'nowhere.example');
  await caller.submit(CLIENT, [message]);
  for (let attempt = 0; attempt < 3; attempt += 1) await refuses(t, wishes, 'STORE_LOCKED', /in use by another process/);
  t.same(Buffer.from((await caller.fetch(message.messageId)) ?? []), Buffer.from(message.blob), 'the first one is unharmed');
  t.equal((await caller.submit(CLIENT, [messageNow(72, 'nowhere.example')])).controls[0]?.kind, 'receipt');
  await first.stop();
  const second = await startsNow(t, wishes);
  t.equal(second.gateway.context.store.status().records, 3);
});

for (const kind of ['https', 'tcpcl'] as const) {
  t.test(`a neighbour with another key, over ${kind}`, { timeout: 30_000 }, async (t) => {
    const [httpsPort = 0, tcpclPort = 0] = await freeTcpPorts(2);
    const link = kind === 'https' ? { kind, url: `https://${LOCAL}:${httpsPort}` } : { kind, host: LOCAL, port: tcpclPort };
    const eastern = { listen: { https: { host: LOCAL, port: httpsPort }, tcpcl: { host: LOCAL, port: tcpclPort } }, peers: [neighbour('gate', GATE, kind === 'tcpcl' ? [{ kind }] : [])] };
    const impostor = await startGateway(t, { key: IMPOSTOR, name: 'east', config: eastern });
    const gate = await startGateway(t, {
      key: GATE,
      config: { peers: [client('client', CLIENT), neighbour('east', EAST, [{ ...link, retry: { firstMs: 200, capMs: 1000 } }])], routes: [{ to: '*', via: 'east' }] },
    });
    const message = messageNow(73, 'far.example');
    await new Caller(t, GATE, gate.address.port).submit(CLIENT, [message]);
    const lane = gate.gateway.forwarders()[0]?.lanes[0];
    await until(() => /key/.test(lane?.link.status().lastError ?? ''));
    t.match(lane?.link.status().lastError, /key/, 'the status says why');
    const stateAt = async (at: RunningGateway): Promise<string | undefined> => (await at.gateway.context.store.find(message.record.rid))?.state;
    t.equal(await stateAt(gate), 'held');
    t.equal(await stateAt(impostor), undefined, 'nothing went to the impostor');
    await impostor.stop();
    const east = await startGateway(t, { key: EAST, name: 'east', config: eastern });
    await until(async () => (await stateAt(gate)) === 'forwarded');
    t.equal(await stateAt(east), 'held', 'the true one gets it');
  });
}
