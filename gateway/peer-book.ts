/** Who is known: peers by name and by the short name of their key, and the domains we serve. */
import { readFile } from 'node:fs/promises';
import { fromBase64url, toHex } from '../base/bytes.js';
import { messageOf, PosternError } from '../base/errors.js';
import { decodeDomainRecord } from '../wire/domain-record.js';
import type { DomainRecord } from '../wire/domain-record.js';
import { keyId } from '../wire/keys.js';
import type { GatewayConfig, PeerConfig } from './config.js';

export interface Peer {
  readonly name: string;
  readonly role: PeerConfig['role'];
  readonly key: Uint8Array;
  /** kid8 of the key. */
  readonly kid: Uint8Array;
  readonly config: PeerConfig;
  /** A client's domain, which we notify and serve. */
  readonly domain?: DomainRecord;
}

export class PeerBook {
  readonly #byName = new Map<string, Peer>();
  readonly #byKid = new Map<string, Peer>();
  readonly #byDomain = new Map<string, Peer>();

  constructor(peers: readonly Peer[]) {
    for (const peer of peers) {
      this.#byName.set(peer.name, peer);
      this.#byKid.set(toHex(peer.kid), peer);
      if (peer.domain !== undefined) this.#byDomain.set(peer.domain.domain, peer);
    }
  }

  all(): Peer[] {
    return [...this.#byName.values()];
  }

  byName(name: string): Peer | undefined {
    return this.#byName.get(name);
  }

  byKid(kid: Uint8Array): Peer | undefined {
    return this.#byKid.get(toHex(kid));
  }

  /** The client whose domain this is, if we serve it. */
  serving(domain: string): Peer | undefined {
    return this.#byDomain.get(domain);
  }
}

/** Enabled peers of the configuration, with the domain records their files hold. */
export async function readPeerBook(config: GatewayConfig): Promise<PeerBook> {
  const peers: Peer[] = [];
  for (const entry of config.peers.filter((candidate) => candidate.enabled)) {
    const key = fromBase64url(entry.key) as Uint8Array;
    const domain = entry.domainRecordFile === undefined ? undefined : await readDomainRecord(entry.name, entry.domainRecordFile);
    peers.push({ name: entry.name, role: entry.role, key, kid: keyId(key), config: entry, ...(domain !== undefined && { domain }) });
  }
  return new PeerBook(peers);
}

async function readDomainRecord(peer: string, file: string): Promise<DomainRecord> {
  try {
    return decodeDomainRecord(await readFile(file));
  } catch (cause) {
    throw new PosternError('GATEWAY_DOMAIN_RECORD', `The domain record of peer ${peer} in ${file} cannot be used: ${messageOf(cause)}. Export the domain's card again and add the peer anew.`, { peer, file }, { cause });
  }
}
