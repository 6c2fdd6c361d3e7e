/**
 * Who a domain is: its own keys and those of its users. Seeds are kept 0600 and are not used while others can
 * read them. Beside each lies the signed record that says in public whose key it is.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../base/durable-file.js';
import { PosternError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import { isUserName } from '../wire/address.js';
import { makeDomainCard } from '../wire/card.js';
import type { DomainCard } from '../wire/card.js';
import { decodeDomainRecord, makeDomainRecord } from '../wire/domain-record.js';
import type { DomainRecord, Endpoint } from '../wire/domain-record.js';
import { decodeKeyRecord, makeKeyRecord } from '../wire/key-record.js';
import type { KeyRecord } from '../wire/key-record.js';
import { kemKeyFromSeed, signingKeyFromSeed } from '../wire/keys.js';
import type { KemKey, SigningKey } from '../wire/keys.js';
import type { Home } from './home.js';
import { createState, readState, writeState } from './state-file.js';
import { domainKeysSchema, userKeysSchema } from './state-schema.js';
import type { DomainKeys } from './state-schema.js';

export interface Identity {
  readonly name: string;
  readonly signing: SigningKey;
  readonly kem: KemKey;
  readonly masterSecret: Uint8Array;
  readonly record: DomainRecord;
  readonly users: readonly UserIdentity[];
}

export interface UserIdentity {
  readonly address: string;
  readonly signing: SigningKey;
  readonly kem: KemKey;
  readonly record: KeyRecord;
}

/** Correspondents pin keys for years; a record that says less would only have to be renewed. */
const RECORD_LIFETIME_SEC = 5 * 365 * 86_400;
const OTHERS = 0o077;

/** Makes the domain's keys, or leaves them when they are there: `init` may have been cut off after it. */
export async function createDomainKeys(home: Home, name: string, endpoints: readonly Endpoint[], random: Random, atSec: number): Promise<void> {
  const keys = { signingSeed: random.bytes(32), kemSeed: random.bytes(32), masterSecret: random.bytes(32) };
  const record = domainRecordOf(keys, name, endpoints, atSec);
  await createState(domainKeyFile(home), domainKeysSchema, { format: 1, ...keys, record: record.bytes });
}

/** Signs anew where the domain hears knocks. */
export async function announce(home: Home, endpoints: readonly Endpoint[], atSec: number): Promise<void> {
  const keys = await readDomainKeys(home);
  const record = domainRecordOf(keys, decodeDomainRecord(keys.record).domain, endpoints, atSec);
  await writeState(domainKeyFile(home), domainKeysSchema, { ...keys, record: record.bytes });
}

/** False when the user is there already: keys are never replaced. */
export async function createUser(home: Home, user: string, random: Random, atSec: number): Promise<boolean> {
  const domainKeys = await readDomainKeys(home);
  const address = `${user}@${decodeDomainRecord(domainKeys.record).domain}`;
  if (!isUserName(user)) throw new PosternError('DOMAIN_USER', `"${user}" is no user name: use lower-case letters, digits and . _ + - between them.`, { address });
  const keys = { signingSeed: random.bytes(32), kemSeed: random.bytes(32) };
  const record = makeKeyRecord(
    { user: signingKeyFromSeed(keys.signingSeed), domain: signingKeyFromSeed(domainKeys.signingSeed) },
    {
      address,
      kemKey: kemKeyFromSeed(keys.kemSeed).publicKey,
      createdSec: atSec,
      notBeforeSec: atSec,
      notAfterSec: atSec + RECORD_LIFETIME_SEC,
      status: 'current',
      // The private keys are in the domain's own folder.
      escrow: true,
    },
  );
  return createState(join(home.keys, `user-${user}.json`), userKeysSchema, { format: 1, ...keys, record: record.bytes });
}

export async function loadIdentity(home: Home): Promise<Identity> {
  const keys = await readDomainKeys(home);
  const record = decodeDomainRecord(keys.record);
  const users: UserIdentity[] = [];
  for (const file of (await readdir(home.keys)).filter((name) => USER_FILE.test(name)).sort()) users.push(await loadUser(join(home.keys, file)));
  return {
    name: record.domain,
    signing: signingKeyFromSeed(keys.signingSeed),
    kem: kemKeyFromSeed(keys.kemSeed),
    masterSecret: keys.masterSecret,
    record,
    users,
  };
}

/** What others need to know of us, for `users` or for all of them. */
export function ownCard(identity: Identity, users: readonly UserIdentity[], atSec: number): DomainCard {
  return makeDomainCard(identity.signing, { domain: identity.record, users: users.map((user) => user.record), createdSec: atSec });
}

/** The user a message is from: the one named, or the only one. */
export function ownUser(identity: Identity, address: string | undefined): UserIdentity {
  if (address === undefined && identity.users.length === 1) return identity.users[0]!;
  const found = identity.users.find((user) => user.address === address || user.address === `${address}@${identity.name}`);
  if (found !== undefined) return found;
  const known = identity.users.map((user) => user.address).join(', ');
  const message = address === undefined ? `Say which user sends: ${known || 'there is none yet'}.` : `${address} is no user of ${identity.name}. It has: ${known || 'none yet'}.`;
  throw new PosternError('DOMAIN_USER', message, { address: address ?? '' });
}

const USER_FILE = /^user-[^/]+\.json$/;

function domainKeyFile(home: Home): string {
  return join(home.keys, 'domain.json');
}

async function readDomainKeys(home: Home): Promise<DomainKeys> {
  const file = domainKeyFile(home);
  await refuseExposed(file);
  const keys = await readState(file, domainKeysSchema);
  if (keys === undefined) throw new PosternError('DOMAIN_HOME', `${home.dir} has no domain keys: ${file} is missing. Put the backup of it back.`, { dir: home.dir });
  return keys;
}

async function loadUser(file: string): Promise<UserIdentity> {
  await refuseExposed(file);
  const keys = await readState(file, userKeysSchema);
  if (keys === undefined) throw new PosternError('DOMAIN_STATE', `${file} has gone.`, { file });
  const record = decodeKeyRecord(keys.record);
  return { address: record.address, signing: signingKeyFromSeed(keys.signingSeed), kem: kemKeyFromSeed(keys.kemSeed), record };
}

async function refuseExposed(file: string): Promise<void> {
  try {
    const { mode } = await stat(file);
    if ((mode & OTHERS) === 0) return;
    const shown = (mode & 0o777).toString(8).padStart(4, '0');
    throw new PosternError('DOMAIN_KEYS_EXPOSED', `${file} may be read by others (mode ${shown}): "chmod 600" it, and make new keys if others may have read it.`, { file, mode: shown });
  } catch (thrown) {
    if (codeOf(thrown) !== 'ENOENT') throw thrown;
  }
}

function domainRecordOf(keys: Pick<DomainKeys, 'signingSeed' | 'kemSeed'>, domain: string, endpoints: readonly Endpoint[], atSec: number): DomainRecord {
  return makeDomainRecord(signingKeyFromSeed(keys.signingSeed), {
    domain,
    kemKey: kemKeyFromSeed(keys.kemSeed).publicKey,
    createdSec: atSec,
    notAfterSec: atSec + RECORD_LIFETIME_SEC,
    escrow: true,
    endpoints,
  });
}
