/**
 * The sockets under the HTTP exchanges with one peer: kept open for the next request, bounded in
 * number, and over TLS held back until the peer has proved the one key that is pinned for it. No
 * authority and no date is asked: a gateway without a battery clock could not judge either.
 */
import { Agent } from 'node:http';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { equalBytes, toHex } from './bytes.js';
import type { Clock } from './clock.js';
import { PosternError } from './errors.js';
import type { Target } from './peer-address.js';
import { pinnedKeyOf } from './tls-identity.js';

export interface PinnedAgentOptions {
  readonly target: Target;
  /** How many connections may be open at once. */
  readonly sockets: number;
  readonly connectMs: number;
  readonly clock: Clock;
}

/**
 * Node tries the addresses of a name one after the other and gives each 250 ms unless told otherwise.
 * One satellite hop answers in 600 ms, so that no address of a name with two would ever be reached.
 */
const ADDRESS_ATTEMPT_MS = 4000;

export class PinnedAgent extends Agent {
  readonly #options: PinnedAgentOptions;

  constructor(options: PinnedAgentOptions) {
    super({ keepAlive: true, maxSockets: options.sockets, maxFreeSockets: options.sockets });
    this.#options = options;
  }

  override createConnection(): Socket {
    const { target, connectMs, clock } = this.#options;
    const socket = open(target);
    const timer = clock.timer(connectMs, () => {
      socket.destroy(
        new PosternError('LINK_TIMEOUT', `${target.address} did not complete a connection within ${connectMs} ms.`, {
          address: target.address,
          waitedFor: 'connection',
          limitMs: connectMs,
        }),
      );
    });
    const stopTimer = (): void => timer.cancel();
    socket.once(target.kind === 'tls' ? 'secureConnect' : 'connect', stopTimer);
    socket.once('close', stopTimer);
    return socket;
  }
}

function open(target: Target): Socket {
  switch (target.kind) {
    case 'socket':
      return connectTcp({ path: target.path });
    case 'plain':
      return connectTcp({ ...endpointOf(target), noDelay: true });
    case 'tls':
      return openPinned(target);
  }
}

function openPinned(target: Target & { kind: 'tls' }): Socket {
  const { host, address, key } = target;
  const socket = connectTls({
    ...endpointOf(target),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    minVersion: 'TLSv1.3',
    ALPNProtocols: ['http/1.1'],
    // The pinned key below is the whole test; chains and dates say nothing here.
    rejectUnauthorized: false,
  });
  socket.setNoDelay(true);
  // The request may hold a message id. It waits in this process, corked, until the key has been seen.
  socket.cork();
  socket.once('secureConnect', () => {
    const found = pinnedKeyOf(socket);
    if (found !== undefined && equalBytes(found, key)) return socket.uncork();
    const shown = found === undefined ? 'no Ed25519 key' : toHex(found);
    socket.destroy(
      new PosternError(
        'LINK_PEER_KEY',
        `${address} proved another key than the one pinned for it: found ${shown}, pinned ${toHex(key)}. Nothing was sent. If the peer has a new key, pair with it again.`,
        { address, found: shown, pinned: toHex(key) },
      ),
    );
  });
  return socket;
}

function endpointOf({ host, port }: { host: string; port: number }): { host: string; port: number; autoSelectFamilyAttemptTimeout: number } {
  return { host, port, autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS };
}
