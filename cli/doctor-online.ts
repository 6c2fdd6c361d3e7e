/** What `postern doctor --online` tries over the network: our own public address, and the neighbours. Nothing is handed over. */
import { connect } from 'node:net';
import type { Clock } from '../base/clock.js';
import { fromBase64url } from '../base/bytes.js';
import { isPosternError, messageOf } from '../base/errors.js';
import { HttpPeer } from '../base/http-exchange.js';
import type { GatewayConfig, PeerConfig } from '../gateway/config.js';
import type { LinkConfig } from '../gateway/link-schema.js';
import { bad, fine, remark, type Finding } from './doctor-finding.js';
import { formatDuration } from './output.js';

const CONNECT_MS = 10_000;

export async function lookAtNetwork(config: GatewayConfig, ownKey: Uint8Array, isRunning: boolean, clock: Clock): Promise<Finding[]> {
  const links = config.peers.filter((peer) => peer.enabled).flatMap((peer) => peer.links.map((link) => lookAtLink(peer, link, clock)));
  return Promise.all([...(isRunning ? [lookAtOurselves(config, ownKey, clock)] : []), ...links]);
}

async function lookAtOurselves({ gateway }: GatewayConfig, key: Uint8Array, clock: Clock): Promise<Finding> {
  const found = await exchange({ url: gateway.publicUrl, key, allowPlainHttp: true }, clock);
  const what = 'public address';
  if (found.ms !== undefined) return fine(what, `${gateway.publicUrl} leads here`);
  return remark(what, found.reason, 'Destinations fetch at gateway.publicUrl. Some networks cannot be reached by their own public address from inside: then try it from outside.');
}

async function lookAtLink(peer: PeerConfig, link: LinkConfig, clock: Clock): Promise<Finding> {
  const what = `${peer.name}/${link.kind}`;
  if (link.kind === 'https') {
    const found = await exchange({ url: link.url, key: fromBase64url(peer.key) ?? new Uint8Array(), allowPlainHttp: link.allowPlainHttp }, clock);
    if (found.ms !== undefined) return fine(what, `answers with the pinned key, in ${formatDuration(found.ms)}`);
    return found.isImpostor === true ? bad(what, found.reason, 'If the neighbour has a new key, pair again; otherwise somebody stands in between.') : remark(what, found.reason, AWAY);
  }
  if (link.kind === 'usb') return fine(what, 'carried by hand');
  if (link.kind !== 'tcpcl') return fine(what, `not a line on the network: "postern link test ${what}" tries it`);
  if (link.host === undefined) return fine(what, 'it dials us');
  const { host, port } = link;
  const found = await dial(host, port, clock);
  return found.ms !== undefined ? fine(what, `${host} port ${port} answers, in ${formatDuration(found.ms)}`) : remark(what, found.reason, AWAY);
}

/** A neighbour may well be away: gateways are made for that. */
const AWAY = 'What is meant for it waits. If it should be there: is it running, and is the address right?';

type Reached = { readonly ms: number } | { readonly ms?: undefined; readonly reason: string; readonly isImpostor?: boolean };

/** Any answer will do: that the key was proved is what counts. */
async function exchange(address: { url: string; key: Uint8Array; allowPlainHttp: boolean }, clock: Clock): Promise<Reached> {
  const startMs = clock.monotonicMs();
  try {
    const peer = new HttpPeer({ ...address, clock, timeouts: { connectMs: CONNECT_MS, idleMs: CONNECT_MS, wholeMs: 2 * CONNECT_MS } });
    try {
      const answer = await peer.exchange({ method: 'GET', path: '/', answerLimitBytes: 64 * 1024 });
      for await (const _ of answer.body);
      return { ms: clock.monotonicMs() - startMs };
    } finally {
      peer.close();
    }
  } catch (thrown) {
    return { reason: messageOf(thrown), isImpostor: isPosternError(thrown) && thrown.code === 'LINK_PEER_KEY' };
  }
}

function dial(host: string, port: number, clock: Clock): Promise<Reached> {
  const startMs = clock.monotonicMs();
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (reached: Reached): void => {
      timer.cancel();
      socket.destroy();
      resolve(reached);
    };
    const timer = clock.timer(CONNECT_MS, () => end({ reason: `${host} port ${port} does not answer within ${formatDuration(CONNECT_MS)}` }));
    socket.once('connect', () => end({ ms: clock.monotonicMs() - startMs }));
    socket.once('error', (error) => end({ reason: `${host} port ${port}: ${error.message}` }));
  });
}
