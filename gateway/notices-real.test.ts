/** Notices between two gateways as the daemon runs them: real sockets, real stores, and a restart of both in between. */
import t from 'tap';
import { systemClock } from '../base/clock.js';
import { systemRandom } from '../base/random.js';
import { Caller, client, configFor, messageNow, neighbour, until } from '../proofs/real-gateway.test-helper.js';
import { freeTcpPorts } from '../scripts/free-ports.js';
import type { GatewayConfig } from './config.js';
import { testKey } from './gateway.test-helper.js';
import { runGateway } from './main.js';
import type { RunningGateway } from './main.js';
import { fetchNoticed } from './notice-orders.js';

const [NEAR, FAR, CLIENT] = [testKey(61), testKey(62), testKey(63)];

t.test('told over a real line, kept over a restart of both, asked for, and there', { timeout: 60_000 }, async (t) => {
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
  const first = { far: await run(farConfig), near: await run(nearConfig) };
  await new Caller(t, NEAR, first.near.address.port).submit(CLIENT, messages);
  await until(() => first.far.gateway.context.notices.all().length === 2);
  await Promise.all([first.near.stop(), first.far.stop()]);

  const [far, near] = [await run(farConfig), await run(nearConfig)];
  t.equal(far.gateway.context.notices.all().length, 2);
  t.same(await fetchNoticed(far.gateway.context, { from: 'near' }), { asked: 2, noRoom: 0 });
  far.gateway.onWake?.();
  for (const { record } of messages) await until(async () => (await far.gateway.context.store.find(record.rid))?.state === 'held');
  for (const { record } of messages) await until(async () => (await near.gateway.context.store.find(record.rid))?.state === 'forwarded');
  t.same(far.gateway.context.notices.all(), []);
  t.equal(near.gateway.context.counters.all().noticesGiven, 0, 'and not told of again');
});
