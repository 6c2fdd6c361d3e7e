/**
 * The gateway's signing key on disk: one line of text that only its owner may read. The key is the gateway:
 * receipts are signed with it, and the TLS certificate is made from it at each start.
 */
import { open } from 'node:fs/promises';
import { fromBase64url, toBase64url, utf8 } from '../base/bytes.js';
import { codeOf, createDurably } from '../base/durable-file.js';
import { messageOf, PosternError } from '../base/errors.js';
import { signingKeyFromSeed, type SigningKey } from '../wire/keys.js';

const HEAD = 'postern-gateway-key-1 ';
const SEED_BYTES = 32;
/** HEAD, the seed in base64url and a line end: nothing longer is read. */
const MOST_BYTES = 128;
const OTHERS = 0o077;
const LEAST_SECRET_CHARACTERS = 16;

/** False when there is a file of this name: a key is never replaced. */
export async function createKeyFile(file: string, seed: Uint8Array): Promise<boolean> {
  return createDurably(file, utf8(`${HEAD}${toBase64url(seed)}\n`), 0o600);
}

export async function readKeyFile(file: string): Promise<SigningKey> {
  const { text, mode } = await readWithMode(file);
  if ((mode & OTHERS) !== 0) throw exposed(file, mode);
  const seed = text.startsWith(HEAD) ? fromBase64url(text.slice(HEAD.length).trimEnd()) : undefined;
  if (seed?.length !== SEED_BYTES) throw new PosternError('CONFIG_KEY_INVALID', `${file} holds no gateway key: put the backup of it back.`, { file });
  return signingKeyFromSeed(seed);
}

/** A line that sender and listeners of a broadcast share. */
export async function readSecretFile(file: string): Promise<Uint8Array> {
  const { text, mode } = await readWithMode(file);
  if ((mode & OTHERS) !== 0) throw exposed(file, mode);
  const secret = text.trim();
  if (secret.length < LEAST_SECRET_CHARACTERS) throw new PosternError('CONFIG_KEY_INVALID', `${file} holds no secret: write one line of ${LEAST_SECRET_CHARACTERS} characters or more into it, the same for all who hear the broadcast.`, { file });
  return utf8(secret);
}

function exposed(file: string, mode: number): PosternError {
  const shown = (mode & 0o777).toString(8).padStart(4, '0');
  return new PosternError('CONFIG_KEY_EXPOSED', `${file} may be read by others (mode ${shown}): "chmod 600" it, and make a new key if others may have read it.`, { file, mode: shown });
}

async function readWithMode(file: string): Promise<{ text: string; mode: number }> {
  try {
    const handle = await open(file, 'r');
    try {
      const buffer = Buffer.alloc(MOST_BYTES);
      const { bytesRead } = await handle.read(buffer, 0, MOST_BYTES, 0);
      return { text: buffer.toString('latin1', 0, bytesRead), mode: (await handle.stat()).mode };
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    const reason = codeOf(thrown);
    if (reason === undefined) throw thrown;
    throw new PosternError('CONFIG_KEY_UNREADABLE', `The key ${file} cannot be read: ${messageOf(thrown)}.`, { file, reason }, { cause: thrown });
  }
}
