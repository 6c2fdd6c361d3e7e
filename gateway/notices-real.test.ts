/** Notices between two gateways as the daemon runs them: real sockets, real stores, and a restart of both in between. */
import t from 'tap';
import { toHex } from '../base/bytes.js';
import { systemClock } from '../base/clock.js';
import { systemRandom } from '../base/random.js';
import { Caller, client, configFor, messageNow, neighbour, until } from '../proofs/real-gateway.test-helper.js';
import { freeTcpPorts } from '../scripts/free-ports.js';
import type { GatewayConfig } from './config.js';
import { testKey } from './gateway.test-helper.js';
import type { TestMessage } from './gateway.test-helper.js';
import { runGateway } from './main.js';
import type { RunningGateway } from './main.js';
import { fetchNoticed } from './notice-orders.js';
import { orderQueue } from './queue-orders.js';

const [NEAR, FAR, CLIENT] = [testKey(61), testKey(62), testKey(63)];

t.test('told over a real line, kept over a restart of both; what is retracted or dropped is told of no more, the rest is asked for, and there', { timeout: 60_000 }, async (t) => {
  const [port] = await freeTcpPorts(1);
  const dir = t.testdir({ near: {}, far: {} });
  const blocks = { store: { segmentBytes: 2 ** 21, largeBlobBytes: 65_536 } };
  const https = { host: '127.0.0.1', port: 0 };
  const line = { kind: 'tcpcl', holdLargeBytes: 50_000, retry: { firstMs: 100, capMs: 1000 } };
  const farConfig = await configFor(t, { key: FAR, name: 'far', dir: `${dir}/far`, config: { ...blocks, listen: { https, tcpcl: { host: '127.0.0.1', port } }, peers: [neighbour('near', NEAR, [line])] } });
  const nearConfig = await configFor(t, { key: NEAR, name: 'near', dir: `${dir}/near`, config: { ...blocks, listen: { https }, peers: [neighbour('far', FAR, [{ ...line, host: '127.0.0.1', port }]), client('client', CLIENT)], routes: [{ to: '*', via: 'far' }] } });
  const run = async (config: GatewayConfig): Promise<RunningGateway> => {
    const running = await runGateway(config, systemClock, systemRandom);
    t.teardown(() => running.stop());
    return running;
  };
  const messages = [messageNow(1, 'example.org', 60_000), messageNow(2, 'example.org', 700_000)];
  const [retracted, accepted, dropped] = [3, 4, 5].map((seed) => messageNow(seed, 'example.org', 60_000)) as [TestMessage, TestMessage, TestMessage];
  const first = { far: await run(farConfig), near: await run(nearConfig) };
  await new Caller(t, NEAR, first.near.address.port).submit(CLIENT, [...messages, retracted, accepted, dropped]);
  await until(() => first.far.gateway.context.notices.all().length === 5);
  await Promise.all([first.near.stop(), first.far.stop()]);

  const [far, near] = [await run(farConfig), await run(nearConfig)];
  t.equal(far.gateway.context.notices.all().length, 5);
  const caller = new Caller(t, NEAR, near.address.port);
  await caller.open(retracted.retract);
  await caller.open(accepted.accept);
  t.equal(await orderQueue(near.gateway.context, 'drop', { record: toHex(dropped.record.rid) }), 1);
  near.gateway.onWake?.();
  const told = (): string[] => far.gateway.context.notices.all().map(({ record }) => toHex(record.rid)).sort();
  await until(() => told().length === 2);
  t.same(told(), messages.map(({ record }) => toHex(record.rid)).sort(), 'no notice is left of what has ended');
  t.same(await fetchNoticed(far.gateway.context, { from: 'near' }), { asked: 2, noRoom: 0 });
  far.gateway.onWake?.();
  for (const { record } of messages) await until(async () => (await far.gateway.context.store.find(record.rid))?.state === 'held');
  for (const { record } of messages) await until(async () => (await near.gateway.context.store.find(record.rid))?.state === 'forwarded');
  t.same(far.gateway.context.notices.all(), []);
  t.equal(near.gateway.context.counters.all().noticesGiven, 0, 'and not told of again');
});
