/**
 * A program: two LTP links that talk bundles to each other over a line that loses some, for somebody who listens on it.
 * It prints the two ports, waits for a line on its input, talks, and ends.
 */
import { once } from 'node:events';
import process from 'node:process';
import { seededRandom } from '../../base/random.js';
import { sendNow } from '../link.suite.js';
import { bundleFreight, converse, taking } from '../talk.test-helper.js';
import { LtpLink } from './ltp-link.js';
import { QUICK } from './ltp-test-helper.js';
import type { Datagrams } from './datagrams.js';
import { UdpDoor } from './udp-door.js';

export const CONVERSATION = { near: [10, 77, 0, 1000, 200_000], far: [5000, 70_000], refused: 1, green: 3000 };

const LOCAL = '127.0.0.1';

if (process.argv[2] === 'talk') await talk();

async function talk(): Promise<void> {
  const [nearDoor, farDoor] = [new UdpDoor({ host: LOCAL, port: 0 }), new UdpDoor({ host: LOCAL, port: 0 })];
  // The ports are known once both are open.
  const [first, second] = [nearDoor.wayTo({ host: LOCAL, port: 1, fromPort: 1 }), farDoor.wayTo({ host: LOCAL, port: 1, fromPort: 1 })];
  await Promise.all([first.open(() => undefined), second.open(() => undefined)]);
  const [nearPort, farPort] = [nearDoor.port, farDoor.port];
  process.stdout.write(`${nearPort} ${farPort}\n`);
  await once(process.stdin, 'data');
  process.stdin.destroy();
  const random = seededRandom(4);
  const ends = { ...QUICK, random, marginMs: 100 };
  const near = new LtpLink({ neighbour: 'far', engineId: 1, peerEngineId: 2, datagrams: losing(nearDoor.wayTo({ host: LOCAL, port: farPort, fromPort: farPort })), ...ends });
  const far = new LtpLink({ neighbour: 'near', engineId: 2, peerEngineId: 1, datagrams: farDoor.wayTo({ host: LOCAL, port: nearPort, fromPort: nearPort }), ...ends });
  await Promise.all([far.start(taking(CONVERSATION.refused)), near.start(taking())]);
  await converse(near, far, CONVERSATION);
  await near.stop();
  const green = new LtpLink({ neighbour: 'far', engineId: 1, peerEngineId: 2, datagrams: nearDoor.wayTo({ host: LOCAL, port: farPort, fromPort: farPort }), colour: 'green', ...ends });
  await green.start(taking());
  await sendNow(green, bundleFreight('ipn:1.1', 'ipn:2.1', 99, CONVERSATION.green));
  await Promise.all([green.stop(), far.stop(), first.close(), second.close()]);
}

/** Every twentieth datagram never gets onto the line, so that there is something to repeat. */
function losing(datagrams: Datagrams): Datagrams {
  let count = 0;
  return {
    ...datagrams,
    send(parts) {
      if (++count % 20 !== 0) datagrams.send(parts);
    },
  };
}
