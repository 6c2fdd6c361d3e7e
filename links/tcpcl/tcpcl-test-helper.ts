/** Ends of links for the tests: identities, a pair over a line that can be cut, and a peer moved by hand. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Test } from 'tap';
import { systemClock } from '../../base/clock.js';
import { seededRandom } from '../../base/random.js';
import { makeTlsIdentity, type TlsIdentity } from '../../base/tls-identity.js';
import { signingKeyFromSeed } from '../../wire/keys.js';
import { Line, until, type LinkPair } from '../link.suite.js';
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

/** The other side by hand: says bytes, and keeps what it hears. */
export class RawPeer {
  readonly socket: Socket;
  #heard = '';
  #closed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes) => (this.#heard += bytes.toString('hex')));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.#closed = true));
  }

  static async dial(port: number): Promise<RawPeer> {
    const peer = new RawPeer(connect(port, '127.0.0.1'));
    await once(peer.socket, 'connect');
    return peer;
  }

  /** A door of its own; `next` gives those who come in, one after the other. */
  static async listen(t: Test): Promise<{ port: number; next: () => Promise<RawPeer> }> {
    const peers: RawPeer[] = [];
    const server = createServer((socket) => peers.push(new RawPeer(socket)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const taken: RawPeer[] = [];
    const next = async (): Promise<RawPeer> => {
      await until(() => peers.length > 0);
      taken.push(peers[0]!);
      return peers.shift()!;
    };
    t.teardown(() => {
      server.close();
      for (const peer of [...taken, ...peers]) peer.socket.destroy();
    });
    return { port: (server.address() as AddressInfo).port, next };
  }

  get heard(): string {
    return this.#heard;
  }

  say(hex: string): void {
    this.socket.write(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  }

  /** Waits until everything heard is `hex`; gives what was heard when the peer closes before that, or time runs out. */
  async hears(hex: string): Promise<string> {
    const wanted = hex.replaceAll(' ', '');
    const endMs = Date.now() + 5000;
    await until(() => this.#heard.length >= wanted.length || this.#closed || Date.now() > endMs);
    return this.#heard.replace(wanted, 'as expected');
  }

  async closed(): Promise<void> {
    await until(() => this.#closed);
  }
}
