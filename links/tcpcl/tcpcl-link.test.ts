import t, { type Test } from 'tap';
import { seededRandom } from '../../base/random.js';
import { benchOfThisMachine, FaultLine, ONE_STREAM, UNITS_BEGIN_ANEW } from '../fault-line.test-helper.js';
import { runFaultSuite, type FaultBench, type FaultMedium } from '../fault.suite.js';
import type { Deliver } from '../link.js';
import { runLinkSuite, takeNothing, type LinkCase } from '../link.suite.js';
import { PushedClock } from '../pushed-clock.test-helper.js';
import { TcpclLink } from './tcpcl-link.js';
import { TcpclListener } from './tcpcl-listener.js';
import { makePair, makeSecurePair } from './tcpcl-test-helper.js';

const SKIPS: Partial<Record<LinkCase, string>> = {
  'says when to try again': 'XFER_REFUSE has no room for a time',
  'brings the answer home': 'an answer is freight of its own',
};
const LARGE = { largestBytes: 32 * 1024 * 1024 };

t.test('in the clear', async (t) => runLinkSuite(t, () => makePair({ near: LARGE, far: LARGE }), SKIPS));
t.test('with TLS', async (t) => runLinkSuite(t, () => makeSecurePair({ near: LARGE, far: LARGE }), SKIPS));

t.test('tcpcl, under faults', async (t) =>
  runFaultSuite(t, makeBench, {
    'what came across before a cut is not sent again': UNITS_BEGIN_ANEW,
    'copies of everything bring nothing twice': ONE_STREAM,
    'what overtakes something on the way harms nothing': ONE_STREAM,
  }),
);

const RECONNECT = { firstMs: 50, capMs: 900_000 };

async function makeBench(t: Test, deliver: Deliver, medium: FaultMedium): Promise<FaultBench> {
  const clock = new PushedClock();
  const random = seededRandom(7);
  let listener: TcpclListener;
  const startFar = async (): Promise<TcpclLink> => {
    listener = new TcpclListener({ host: '127.0.0.1', port: 0, clock });
    const link = new TcpclLink({ neighbour: 'near', nodeId: 'ipn:2.0', peerNodeId: 'ipn:1.0', listener, random, clock, drainMs: 10 });
    t.teardown(() => link.stop());
    await link.start(deliver);
    return link;
  };
  await startFar();
  let line: FaultLine;
  const startNear = async (): Promise<TcpclLink> => {
    line = await FaultLine.open(t, medium, () => listener.port);
    const link = new TcpclLink({ neighbour: 'far', nodeId: 'ipn:1.0', peerNodeId: 'ipn:2.0', connect: { host: '127.0.0.1', port: line.port }, reconnect: RECONNECT, random, clock, drainMs: 10 });
    t.teardown(() => link.stop());
    await link.start(takeNothing);
    return link;
  };
  let near = await startNear();
  const bench = benchOfThisMachine(clock);
  return {
    ...bench,
    get near() {
      return near;
    },
    unitBytes: 1_000_000,
    cut: () => line.cut(),
    mend: () => line.mend(),
    async restart(end) {
      if (end === 'far') {
        line.reset();
        return void (await startFar());
      }
      line.close();
      near = await startNear();
    },
    retryMs: RECONNECT.capMs,
    async pass(ms) {
      await bench.pass(ms);
      // The connection that falls due is made at the pace of this machine.
      if (!medium.isCut) await bench.until(() => near.status().state === 'up');
    },
    overhead: 0,
    // Each attempt of the gateway, and a connection when the wait of the link is over.
    triesAMonth: 2 * 60,
  };
}
