/**
 * Other domains and their users, with pinned keys. What was seen first is pinned; a different key later stops
 * everything to that address until somebody has acknowledged it, and people are told before a message is sealed
 * and not after. A newer record under the same signing key simply takes the older one's place.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes, toHex } from '../base/bytes.js';
import { PosternError } from '../base/errors.js';
import { parseAddress } from '../wire/address.js';
import { decodeDomainCard } from '../wire/card.js';
import type { DomainCard } from '../wire/card.js';
import { isDomainName } from '../wire/domain-name.js';
import { decodeDomainRecord } from '../wire/domain-record.js';
import type { DomainRecord } from '../wire/domain-record.js';
import { decodeKeyRecord } from '../wire/key-record.js';
import type { KeyRecord } from '../wire/key-record.js';
import { keyId } from '../wire/keys.js';
import { recipientHash } from '../wire/recipient-hash.js';
import type { Home } from './home.js';
import type { UserIdentity } from './identity.js';
import { keyChanges } from './key-change.js';
import type { KeyChange } from './key-change.js';
import { readState, writeState } from './state-file.js';
import { correspondentSchema } from './state-schema.js';
import type { CorrespondentState, Pull } from './state-schema.js';

/** Somebody we can write to, and get something from. */
export interface Correspondent {
  readonly domain: DomainRecord;
  readonly user: KeyRecord;
  readonly pull: Pull;
}

/** What we know of one domain. */
export interface KnownDomain {
  readonly domain: DomainRecord;
  readonly users: readonly Correspondent[];
  readonly changes: readonly KeyChange[];
}

/** More changes of keys at once are no accident. */
const MOST_CHANGED_CARDS = 8;

/** Who a knock is between, as its recipient hash tells to who knows both. */
export interface Pairing {
  readonly correspondent: Correspondent;
  readonly recipient: UserIdentity;
}

export class Correspondents {
  readonly #home: Home;
  readonly #own: readonly UserIdentity[];
  /** Pairings by recipient hash, and for which version: another process may learn a card meanwhile. */
  #pairings: { readonly version: bigint; readonly byHash: ReadonlyMap<string, readonly Pairing[]> } | undefined;

  constructor(home: Home, own: readonly UserIdentity[]) {
    this.#home = home;
    this.#own = own;
  }

  async all(): Promise<KnownDomain[]> {
    const domains: KnownDomain[] = [];
    for (const file of (await readdir(this.#home.correspondents)).sort()) {
      const state = file.endsWith('.json') ? await this.#read(file.slice(0, -'.json'.length)) : undefined;
      if (state !== undefined) domains.push(knownDomain(state));
    }
    return domains;
  }

  /** Whom to seal to. Throws when nobody of that name is known, or when the keys are not what they were. */
  async recipient(address: string): Promise<Correspondent> {
    const known = await this.#domainOf(address);
    const found = known?.users.find(({ user }) => user.address === address);
    if (known === undefined || found === undefined) {
      throw new PosternError('DOMAIN_STRANGER', `${address} is not known here. Get the card of that domain and give it to "postern domain know".`, { address });
    }
    const change = known.changes.find(({ whose }) => whose === address || whose === known.domain.domain);
    if (change !== undefined) throw changedKey(change);
    return found;
  }

  /** Whose signature to check; undefined for a stranger. The pinned key holds until a change is acknowledged. */
  async sender(address: string): Promise<Correspondent | undefined> {
    return (await this.#domainOf(address))?.users.find(({ user }) => user.address === address);
  }

  /** Changes whenever anything known here changes, in this process or another. */
  async version(): Promise<bigint> {
    return (await stat(this.#home.correspondents, { bigint: true })).mtimeNs;
  }

  /**
   * None for a hash that none of our correspondents would compute for any of our users. Several where one of them shows the
   * sealing key of another as their own, which nothing keeps them from: who it is, the signature tells.
   */
  async pairings(hash: Uint8Array): Promise<readonly Pairing[]> {
    const version = await this.version();
    if (this.#pairings?.version !== version) this.#pairings = { version, byHash: await this.#pairUp() };
    return this.#pairings.byHash.get(toHex(hash)) ?? [];
  }

  /**
   * Takes a card in. New keys of people not known before are pinned; other keys than the pinned ones are kept
   * aside and given back. A card that agrees with the pinned keys takes such a change back for whom it names.
   */
  async learn(card: DomainCard): Promise<{ added: readonly string[]; changes: readonly KeyChange[] }> {
    const name = card.domain.domain;
    const state = await this.#read(name);
    if (state === undefined) {
      await this.#write(name, pinned(card, {}));
      return { added: card.users.map((user) => user.address), changes: [] };
    }
    const changes = keyChanges(knownDomain(state), card);
    const changedCards = [...stillOpen(state, card), ...(changes.length > 0 ? [card.bytes] : [])].slice(-MOST_CHANGED_CARDS);
    const next: CorrespondentState = { format: 1, record: state.record, users: { ...state.users }, changedCards };
    const added: string[] = [];
    if (equalBytes(decodeDomainRecord(state.record).signingKey, card.domain.signingKey)) {
      next.record = newer(decodeDomainRecord(state.record), card.domain).bytes;
      for (const user of card.users) {
        if (changes.some(({ whose }) => whose === user.address)) continue;
        const before = next.users[user.address];
        if (before === undefined) added.push(user.address);
        next.users[user.address] = { record: before === undefined ? user.bytes : newer(decodeKeyRecord(before.record), user).bytes, pull: before?.pull ?? 'immediate' };
      }
    }
    await this.#write(name, next);
    return { added, changes };
  }

  /** Pins the changed keys of a domain instead of the old ones, and gives back what they were. */
  async acknowledge(domain: string): Promise<readonly KeyChange[]> {
    const state = await this.#read(domain);
    if (state === undefined) throw new PosternError('DOMAIN_STRANGER', `${domain} is not known here. Get its card and give it to "postern domain know".`, { address: domain });
    if (state.changedCards.length === 0) return [];
    const { changes } = knownDomain(state);
    const next = state.changedCards.reduce((before, card) => pinned(decodeDomainCard(card), before.users), state);
    await this.#write(domain, next);
    return changes;
  }

  async setPull(address: string, pull: Pull): Promise<void> {
    const domain = parseAddress(address)?.domain;
    const state = domain === undefined ? undefined : await this.#read(domain);
    const user = state?.users[address];
    if (domain === undefined || state === undefined || user === undefined) throw new PosternError('DOMAIN_STRANGER', `${address} is not known here.`, { address });
    await this.#write(domain, { ...state, users: { ...state.users, [address]: { ...user, pull } } });
  }

  async #domainOf(address: string): Promise<KnownDomain | undefined> {
    const domain = parseAddress(address)?.domain;
    const state = domain === undefined ? undefined : await this.#read(domain);
    return state && knownDomain(state);
  }

  async #pairUp(): Promise<Map<string, Pairing[]>> {
    const byHash = new Map<string, Pairing[]>();
    for (const { users } of await this.all()) {
      for (const correspondent of users) {
        for (const recipient of this.#own) {
          const domain = parseAddress(recipient.address)!.domain;
          const hash = toHex(recipientHash(correspondent.user.kemKey, recipient.kem.publicKey, domain));
          byHash.set(hash, [...(byHash.get(hash) ?? []), { correspondent, recipient }]);
        }
      }
    }
    return byHash;
  }

  async #read(domain: string): Promise<CorrespondentState | undefined> {
    return isDomainName(domain) ? readState(this.#file(domain), correspondentSchema) : undefined;
  }

  #write(domain: string, state: CorrespondentState): Promise<void> {
    return writeState(this.#file(domain), correspondentSchema, state);
  }

  #file(domain: string): string {
    return join(this.#home.correspondents, `${domain}.json`);
  }
}

function knownDomain(state: CorrespondentState): KnownDomain {
  const domain = decodeDomainRecord(state.record);
  const users = Object.values(state.users).map(({ record, pull }): Correspondent => ({ domain, user: decodeKeyRecord(record), pull }));
  const changes = new Map<string, KeyChange>();
  for (const card of state.changedCards) for (const change of keyChanges({ domain, users }, decodeDomainCard(card))) changes.set(change.whose, change);
  return { domain, users, changes: [...changes.values()] };
}

/** Of the cards kept aside, those that say something about somebody of whom the new card says nothing. */
function stillOpen(state: CorrespondentState, card: DomainCard): Uint8Array[] {
  const named = new Set([card.domain.domain, ...card.users.map((user) => user.address)]);
  const known = knownDomain(state);
  return state.changedCards.filter((kept) => keyChanges(known, decodeDomainCard(kept)).some(({ whose }) => !named.has(whose)));
}

/** The keys of a card, with the preferences that were there. Users whom the card does not name stay while the domain's key does. */
function pinned(card: DomainCard, before: CorrespondentState['users']): CorrespondentState {
  const signedBy = keyId(card.domain.signingKey);
  const users: CorrespondentState['users'] = {};
  for (const [address, user] of Object.entries(before)) {
    if (equalBytes(decodeKeyRecord(user.record).domainKid, signedBy)) users[address] = user;
  }
  for (const user of card.users) users[user.address] = { record: user.bytes, pull: before[user.address]?.pull ?? 'immediate' };
  return { format: 1, record: card.domain.bytes, users, changedCards: [] };
}

function newer<R extends DomainRecord | KeyRecord>(a: R, b: R): R {
  return b.createdSec > a.createdSec ? b : a;
}

function changedKey(change: KeyChange): PosternError {
  const { whose: address, pinned: before, offered } = change;
  const vouched = change.vouched ? ' The old key has signed for the new one.' : '';
  return new PosternError(
    'DOMAIN_KEY_CHANGED',
    `The key of ${address} has changed: pinned ${before}, offered ${offered}.${vouched} Ask them by another way, then "postern domain acknowledge".`,
    { address, pinned: before, offered },
  );
}
