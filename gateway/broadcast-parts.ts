/** What the broadcast links of a gateway share: one ear, one carousel an address, secrets read from their files. Part of putting a gateway together, like main.ts. */
import path from 'node:path';
import { BroadcastListener } from '../links/broadcast/broadcast-listener.js';
import type { BroadcastCrypto, Party } from '../links/broadcast/broadcast-crypto.js';
import { SymbolShelf } from '../links/broadcast/symbol-shelf.js';
import { Transmitter } from '../links/broadcast/transmitter.js';
import { UdpSender, UdpSource } from '../links/broadcast/udp.js';
import { verifySignature } from '../wire/keys.js';
import { hmacSha256Of, sha256Of } from '../wire/node-crypto.js';
import type { GatewayContext } from './context.js';
import { readSecretFile } from './key-file.js';
import { addressOf, type BroadcastConfig } from './link-schema.js';
import { linkLog } from './log.js';

export interface BroadcastParts {
  readonly us: Party;
  readonly crypto: BroadcastCrypto;
  /** Where neighbours that broadcast are heard, if they are. */
  readonly listener?: BroadcastListener;
  /** By address: see addressOf. */
  readonly transmitters: ReadonlyMap<string, Transmitter>;
  /** By file. */
  readonly secrets: ReadonlyMap<string, Uint8Array>;
}

export async function makeBroadcastParts({ config, key, kid, clock, log }: GatewayContext): Promise<BroadcastParts> {
  const links = config.peers.flatMap((peer) => peer.links).filter((link): link is BroadcastConfig => link.kind === 'broadcast');
  const crypto: BroadcastCrypto = { sha256: sha256Of, mac: hmacSha256Of, sign: (message) => key.sign(message), verify: verifySignature };
  const ear = config.listen.broadcast;
  const listener =
    ear === undefined
      ? undefined
      : new BroadcastListener({
          source: new UdpSource({ host: ear.host, port: ear.port, groups: ear.groups, receiveBufferBytes: ear.receiveBufferBytes, ...(ear.interface !== undefined && { interfaceAddress: ear.interface }) }),
          ourId: kid,
          memoryBytes: ear.memoryBytes,
          crypto,
          clock,
          // What is coming in fits in memory, and no more than that is written down.
          shelf: new SymbolShelf({ folder: path.join(config.data, 'broadcast'), limitBytes: ear.memoryBytes, clock, log: linkLog(log) }),
          log: linkLog(log),
        });
  const transmitters = new Map<string, Transmitter>();
  const secrets = new Map<string, Uint8Array>();
  for (const link of links) {
    const address = addressOf(link);
    if (address !== undefined && link.host !== undefined && !transmitters.has(address)) {
      const sender = new UdpSender({ host: link.host, port: link.port, ttl: link.ttl, ...(link.interface !== undefined && { interfaceAddress: link.interface }) });
      transmitters.set(address, new Transmitter({ sender, rateBytesPerSec: link.rateBytesPerSec, clock }));
    }
    if (link.secretFile !== undefined && !secrets.has(link.secretFile)) secrets.set(link.secretFile, await readSecretFile(link.secretFile));
  }
  return { us: { id: kid, publicKey: key.publicKey }, crypto, transmitters, secrets, ...(listener !== undefined && { listener }) };
}
