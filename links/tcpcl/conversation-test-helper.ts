/**
 * A program: two links that talk bundles to each other, for somebody who listens on the line. It prints the port,
 * waits for a line on its input, talks, and ends. `plain` or `tls` is its argument.
 */
import { once } from 'node:events';
import { systemClock } from '../../base/clock.js';
import { until } from '../link.suite.js';
import { converse, taking, type Conversation } from '../talk.test-helper.js';
import { TcpclLink } from './tcpcl-link.js';
import { TcpclListener } from './tcpcl-listener.js';
import { party, QUICK } from './tcpcl-test-helper.js';

/** The last of each take several segments. */
export const CONVERSATIONS: Readonly<Record<'plain' | 'tls', Conversation>> = {
  plain: { near: [10, 77, 0, 1000, 200_000, 300_000], far: [5000, 70_000], refused: 1 },
  // tshark 4.0 sees every segment of a transfer as long as the last one above under TLS, but does not put them together.
  tls: { near: [10, 77, 0, 1000, 200_000], far: [5000, 70_000], refused: 1 },
};

const [manner] = process.argv.slice(2);
if (manner === 'plain' || manner === 'tls') await talk(CONVERSATIONS[manner], manner === 'tls');

async function talk(conversation: Conversation, secure: boolean): Promise<void> {
  const [a, b] = await Promise.all([party(21), party(22)]);
  const listener = new TcpclListener({ host: '127.0.0.1', port: 0, clock: systemClock, ...(secure ? { identity: b.identity } : {}) });
  const far = new TcpclLink({ neighbour: 'near', nodeId: 'ipn:2.0', peerNodeId: 'ipn:1.0', listener, keepaliveSec: 1, ...QUICK, ...(secure ? { peerKey: a.key } : {}) });
  await far.start(taking(conversation.refused));
  process.stdout.write(`${listener.port}\n`);
  await once(process.stdin, 'data');
  process.stdin.destroy();
  const connect = { host: '127.0.0.1', port: listener.port };
  const near = new TcpclLink({ neighbour: 'far', nodeId: 'ipn:1.0', connect, keepaliveSec: 7, ...QUICK, ...(secure ? { identity: a.identity, peerKey: b.key } : {}) });
  await near.start(taking());
  await converse(near, far, conversation);
  // Long enough for a keepalive each way.
  const endMs = Date.now() + 1300;
  await until(() => Date.now() > endMs);
  await near.stop();
  await far.stop();
}
