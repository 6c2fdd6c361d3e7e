/** TLS 1.3 on a connection that has been talking in the clear (RFC 9174 §4.4). Keys are compared afterwards; chains and dates say nothing here. */
import { isIP, type Socket } from 'node:net';
import { connect, TLSSocket } from 'node:tls';
import { equalBytes, toHex } from '../../base/bytes.js';
import { PosternError } from '../../base/errors.js';
import type { TlsIdentity } from '../../base/tls-identity.js';

/**
 * @param rest what has been read of TLS already
 * @param done called when the handshake is complete; a failure destroys the socket
 */
export function secure(socket: Socket, rest: Uint8Array, side: { readonly client: boolean; readonly host: string }, identity: TlsIdentity, done: () => void): TLSSocket {
  socket.pause();
  if (rest.length > 0) socket.unshift(rest);
  const options = { cert: identity.certPem, key: identity.keyPem, minVersion: 'TLSv1.3', rejectUnauthorized: false } as const;
  if (side.client) {
    // RFC 9174 §4.4.3: the name that was looked up, if one was.
    return connect({ ...options, socket, ...(isIP(side.host) === 0 ? { servername: side.host } : {}) }, done);
  }
  const server = new TLSSocket(socket, { ...options, isServer: true, requestCert: true });
  server.once('secure', done);
  return server;
}

/** What is wrong with the key that an address has proved. */
export function keyFault(address: string, key: Uint8Array | undefined, pinned: Uint8Array): PosternError | undefined {
  if (key !== undefined && equalBytes(key, pinned)) return undefined;
  const found = key === undefined ? 'no Ed25519 key' : toHex(key);
  const text = `${address} proved another key than the one pinned for it: found ${found}, pinned ${toHex(pinned)}. Nothing was sent. If the neighbour has a new key, pair with it again.`;
  return new PosternError('LINK_PEER_KEY', text, { address, found, pinned: toHex(pinned) });
}
