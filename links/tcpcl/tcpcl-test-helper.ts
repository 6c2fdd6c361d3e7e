/** Ends of links for the tests: identities, and a pair over a line that can be cut. */
import type { Test } from 'tap';
import { systemClock } from '../../base/clock.js';
import { seededRandom } from '../../base/random.js';
import { makeTlsIdentity, type TlsIdentity } from '../../base/tls-identity.js';
import { signingKeyFromSeed } from '../../wire/keys.js';
import { Line, type LinkPair } from '../link.suite.js';
import { TcpclLink, type TcpclLinkOptions } from './tcpcl-link.js';
import { TcpclListener, type TcpclListenerOptions } from './tcpcl-listener.js';

export interface Party {
  readonly identity: TlsIdentity;
  readonly key: Uint8Array;
}

export async function party(seedByte: number): Promise<Party> {
  const seed = new Uint8Array(32).fill(seedByte);
  return { identity: await makeTlsIdentity(seed, `party-${seedByte}`), key: signingKeyFromSeed(seed).publicKey };
}

export const QUICK: Pick<TcpclLinkOptions, 'clock' | 'random' | 'reconnect'> = {
  clock: systemClock,
  random: seededRandom(7),
  reconnect: { firstMs: 50, capMs: 200 },
};

export interface TcpclPair extends LinkPair {
  readonly near: TcpclLink;
  readonly far: TcpclLink;
  readonly listener: TcpclListener;
}

/** near (ipn:1.0) dials far (ipn:2.0) over the line, in the clear unless told otherwise. */
export async function makePair(options: { near?: Partial<TcpclLinkOptions>; far?: Partial<TcpclLinkOptions>; listener?: Partial<TcpclListenerOptions> } = {}): Promise<TcpclPair> {
  const listener = new TcpclListener({ host: '127.0.0.1', port: 0, clock: systemClock, ...options.listener });
  // The port is found at the first start and kept, so that the far end comes back where it was.
  let port = 0;
  const line = await Line.open(() => (port = listener.port === 0 ? port : listener.port));
  const far = new TcpclLink({ neighbour: 'near', nodeId: 'ipn:2.0', peerNodeId: 'ipn:1.0', listener, ...QUICK, ...options.far });
  const near = new TcpclLink({ neighbour: 'far', nodeId: 'ipn:1.0', peerNodeId: 'ipn:2.0', connect: { host: '127.0.0.1', port: line.port }, ...QUICK, ...options.near });
  return { near, far, line, listener };
}

/** The same with TLS and pinned keys. */
export async function makeSecurePair(options: { near?: Partial<TcpclLinkOptions>; far?: Partial<TcpclLinkOptions> } = {}): Promise<TcpclPair> {
  const [a, b] = await Promise.all([party(1), party(2)]);
  return makePair({
    listener: { identity: b.identity },
    near: { identity: a.identity, peerKey: b.key, ...options.near },
    far: { identity: b.identity, peerKey: a.key, ...options.far },
  });
}

/** Stops what a test started, whatever became of it. */
export function clear(t: Test, pair: TcpclPair): TcpclPair {
  t.teardown(async () => {
    await Promise.all([pair.near.stop(), pair.far.stop()]);
    await pair.line.close();
  });
  return pair;
}
