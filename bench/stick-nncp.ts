/** NNCP's side of the stick benchmark: two nodes that know each other, packets queued one a message, nncp-xfer for the rest. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PIECE_BYTES = 1024 * 1024;
const KEYS = ['id', 'exchpub', 'exchprv', 'signpub', 'signprv', 'noisepub', 'noiseprv'] as const;
const PUBLIC = ['id', 'exchpub', 'signpub', 'noisepub'] as const;

/** Debian's package, installed when it is absent; undefined where that is not possible. */
export async function findNncp(): Promise<string | undefined> {
  const version = async (): Promise<string> => (await run('nncp-xfer', ['-version'])).stdout.trim();
  try {
    return await version();
  } catch {
    try {
      await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'nncp']);
      return await version();
    } catch {
      return undefined;
    }
  }
}

export async function prepareNncp(dir: string, { count, blobBytes }: { readonly count: number; readonly blobBytes: number }): Promise<void> {
  const full: Record<string, string> = {};
  for (const name of ['a', 'b']) {
    for (const folder of ['spool', 'in']) await mkdir(join(dir, name, folder), { recursive: true });
    full[name] = (await run('nncp-cfgnew', ['-nocomments'])).stdout;
  }
  const keysOf = (name: string): Record<string, string> => {
    const own = full[name]?.split('self:')[1]?.split('}')[0] ?? '';
    return Object.fromEntries(KEYS.map((key) => [key, new RegExp(`\\b${key}: (\\S+)`).exec(own)?.[1] ?? '']));
  };
  const lines = (name: string, keys: readonly string[]): string => keys.map((key) => `${key}: ${keysOf(name)[key] ?? ''}`).join('\n');
  for (const [name, other] of [['a', 'b'], ['b', 'a']] as const) {
    const at = join(dir, name);
    await writeFile(`${at}.hjson`, `{\nspool: ${at}/spool\nlog: ${at}/log\nself: {\n${lines(name, KEYS)}\n}\nneigh: {\nself: {\n${lines(name, PUBLIC)}\n}\n${other}: {\n${lines(other, PUBLIC)}\nincoming: ${at}/in\n}\n}\n}\n`);
  }
  const source = join(dir, 'message');
  for (let i = 0; i < count; i += 1) {
    const file = await open(source, 'w');
    for (let at = 0; at < blobBytes; at += PIECE_BYTES) await file.write(randomBytes(Math.min(PIECE_BYTES, blobBytes - at)));
    await file.close();
    await run('nncp-file', ['-quiet', '-cfg', `${join(dir, 'a')}.hjson`, source, `b:m${i}`]);
  }
}

export function nncpStep(dir: string, name: 'a' | 'b', errand: 'export' | 'import', stick: string): string[] {
  const config = `${join(dir, name)}.hjson`;
  return errand === 'export' ? ['nncp-xfer', '-quiet', '-cfg', config, '-mkdir', '-tx', stick] : ['nncp-xfer', '-quiet', '-cfg', config, '-rx', stick];
}
