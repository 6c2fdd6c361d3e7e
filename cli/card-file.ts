/** Cards as people keep them: text in a file. */
import { readFile } from 'node:fs/promises';
import { isPosternError, messageOf, PosternError } from '../base/errors.js';
import { parseCard, type Card } from '../wire/card.js';
import { fingerprint, fingerprintWords } from '../wire/keys.js';

/** Throws CLI_CARD for a file that holds no card, or one that does not hold. */
export async function readCard(file: string): Promise<Card> {
  let found: Card | undefined;
  try {
    found = parseCard(await readFile(file, 'utf8'));
  } catch (thrown) {
    const why = isPosternError(thrown) ? 'is damaged or forged' : 'cannot be read';
    throw new PosternError('CLI_CARD', `The card in ${file} ${why}: ${messageOf(thrown)}.`, { path: file }, { cause: thrown });
  }
  if (found === undefined) throw new PosternError('CLI_CARD', `${file} holds no card. A card begins with "-----BEGIN POSTERN".`, { path: file });
  return found;
}

/** A key as people compare it: digits to read, words to say. */
export function keyForPeople(publicKey: Uint8Array): { readonly fingerprint: string; readonly words: string } {
  return { fingerprint: fingerprint(publicKey), words: fingerprintWords(publicKey).join(' ') };
}
