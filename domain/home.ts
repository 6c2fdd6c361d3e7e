/**
 * The folder a domain lives in. Everything it knows is a file here, so that it can be looked at, copied and
 * backed up with ordinary tools; nothing outside the folder is needed to go on after a crash.
 *
 *     domain.json                 the config
 *     keys/domain.json            the domain's seeds and master secret; keys/user-NAME.json: a user's seeds
 *     correspondents/DOMAIN.json  what is pinned of another domain and its users
 *     outgoing/COMMAND.N/         a message on its way out: message.json, blob, receipt.cbor, outcome.json, …
 *     sent/COMMAND.N/             the same folder once there is an outcome
 *     pending/LOCATOR.json        a knock that was heard and not yet dealt with
 *     receiving/LOCATOR/          the part of a blob that is here already
 *     inbox/LOCATOR/              a delivered message: message.json, content; also the mark that it was delivered
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PosternError } from '../base/errors.js';
import { codeOf, sweepTemporaries } from '../base/durable-file.js';
import { makeFolder } from '../base/make-folder.js';

export interface Home {
  readonly dir: string;
  readonly config: string;
  readonly keys: string;
  readonly correspondents: string;
  readonly outgoing: string;
  readonly sent: string;
  readonly pending: string;
  readonly receiving: string;
  readonly inbox: string;
}

export function homeAt(dir: string): Home {
  return {
    dir,
    config: join(dir, 'domain.json'),
    keys: join(dir, 'keys'),
    correspondents: join(dir, 'correspondents'),
    outgoing: join(dir, 'outgoing'),
    sent: join(dir, 'sent'),
    pending: join(dir, 'pending'),
    receiving: join(dir, 'receiving'),
    inbox: join(dir, 'inbox'),
  };
}

/** True once `domain init` has finished: the config is the last file it writes. */
export async function isHome(home: Home): Promise<boolean> {
  try {
    return (await stat(home.config)).isFile();
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT' || codeOf(thrown) === 'ENOTDIR') return false;
    throw thrown;
  }
}

/** Makes what folders are missing and clears away what a crash left half written. */
export async function prepareHome(home: Home): Promise<void> {
  const folders = [home.keys, home.correspondents, home.outgoing, home.sent, home.pending, home.receiving, home.inbox];
  try {
    for (const folder of [home.dir, ...folders]) await makeFolder(folder, 0o700);
    for (const folder of [home.dir, ...folders]) await sweepTemporaries(folder);
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === undefined) throw thrown;
    throw new PosternError('DOMAIN_HOME', `${home.dir} cannot hold a domain: ${code}. Give a folder that can be written.`, { dir: home.dir }, { cause: thrown });
  }
}
