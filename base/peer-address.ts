/** Where a peer of an HTTP exchange is, and which addresses must not be used. */
import { PosternError } from './errors.js';

export interface PeerAddress {
  /** https://host:port, or http://127.0.0.1:port; with `socketPath` only a name. Its path stands before the path of every request. */
  readonly url: string;
  /** The peer's Ed25519 public key, without which there is no https. */
  readonly key?: Uint8Array;
  /** A unix socket to talk to instead of a host. */
  readonly socketPath?: string;
  /** Plain HTTP to other machines, for networks that are protected by other means. */
  readonly allowPlainHttp?: boolean;
}

/** `address` is the origin, for people: without path, which may hold a message id. */
export type Target = { readonly address: string } & (
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'plain'; readonly host: string; readonly port: number }
  | { readonly kind: 'tls'; readonly host: string; readonly port: number; readonly key: Uint8Array }
);

/** Throws LINK_ADDRESS for what is no usable address, LINK_PLAIN_HTTP for plain HTTP that would leave this machine. */
export function readPeerAddress(peer: PeerAddress): { readonly url: URL; readonly target: Target } {
  const url = URL.canParse(peer.url) ? new URL(peer.url) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username + url.password + url.search + url.hash !== '') {
    const address = peer.url.replace(/\/\/.*@/, '//…@');
    throw new PosternError('LINK_ADDRESS', `"${address}" is no address of a peer. https://host:port is one: no user, no query, no fragment.`, { address });
  }
  if (peer.socketPath !== undefined) return { url, target: { kind: 'socket', address: peer.socketPath, path: peer.socketPath } };
  const address = url.origin;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (url.protocol === 'https:') {
    if (peer.key === undefined) {
      throw new PosternError('LINK_ADDRESS', `${address} has no pinned key, and https goes only to peers whose key is known. Pair with the peer first.`, { address });
    }
    return { url, target: { kind: 'tls', address, host, port: Number(url.port || 443), key: peer.key } };
  }
  if (!isLoopbackHost(host) && peer.allowPlainHttp !== true) {
    throw new PosternError('LINK_PLAIN_HTTP', `${address} is plain HTTP to another machine. Use https, or allow plain HTTP where the network itself is protected.`, { address });
  }
  return { url, target: { kind: 'plain', address, host, port: Number(url.port || 80) } };
}

/** A name or address that never leaves this machine. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
