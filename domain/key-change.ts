/** What is different between the keys we have pinned for a domain and those that a card shows. */
import { equalBytes } from '../base/bytes.js';
import type { DomainCard } from '../wire/card.js';
import type { DomainRecord } from '../wire/domain-record.js';
import { succeedsKey } from '../wire/key-record.js';
import type { KeyRecord } from '../wire/key-record.js';
import { fingerprint } from '../wire/keys.js';

/** A signing key that is not the pinned one. */
export interface KeyChange {
  /** An address, or a domain name when it is the domain's own key. */
  readonly whose: string;
  readonly pinned: string;
  readonly offered: string;
  /** The pinned key has signed for the new one: a rotation, and not a stranger. */
  readonly vouched: boolean;
}

export function keyChanges(known: { readonly domain: DomainRecord; readonly users: readonly { readonly user: KeyRecord }[] }, card: DomainCard): KeyChange[] {
  const changes: KeyChange[] = [];
  if (!equalBytes(known.domain.signingKey, card.domain.signingKey)) {
    changes.push({ whose: card.domain.domain, pinned: fingerprint(known.domain.signingKey), offered: fingerprint(card.domain.signingKey), vouched: false });
  }
  for (const { user } of known.users) {
    const offered = card.users.find(({ address }) => address === user.address);
    if (offered === undefined || equalBytes(user.signingKey, offered.signingKey)) continue;
    changes.push({ whose: user.address, pinned: fingerprint(user.signingKey), offered: fingerprint(offered.signingKey), vouched: succeedsKey(offered, user.signingKey) });
  }
  return changes;
}
