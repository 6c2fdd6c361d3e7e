/** What goes into the demo, and whether the same comes out. */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';

export interface Input {
  readonly file: string;
  readonly name: string;
  readonly bytes: number;
}

export async function readInputs(files: readonly string[]): Promise<Input[]> {
  return Promise.all(
    files.map(async (file) => {
      const found = await stat(file);
      if (!found.isFile()) throw new Error(`${file} is no file.`);
      return { file: resolve(file), name: basename(file), bytes: found.size };
    }),
  );
}

const LETTER = [
  'From: Ann <ann@north.example>',
  'To: Bo <bo@south.example>',
  'Subject: The postern is open',
  'Date: Fri, 01 Jan 2027 12:00:00 +0000',
  'MIME-Version: 1.0',
  'Content-Type: text/plain; charset=utf-8',
  '',
  'Dear Bo,',
  'this came to you through two gateways that could not read it.',
  'Ann',
  '',
].join('\r\n');

export async function makeSamples(dir: string): Promise<string[]> {
  const samples: [string, Uint8Array | string][] = [
    ['letter.eml', LETTER],
    ['empty', ''],
    ['one-byte', 'x'],
    ['random-1-mib', randomBytes(1024 * 1024)],
  ];
  await mkdir(dir, { recursive: true });
  for (const [name, content] of samples) await writeFile(join(dir, name), content);
  return samples.map(([name]) => join(dir, name));
}

/** Byte for byte, as far as SHA-256 can tell. */
export async function isSameContent(file: string, other: string | undefined): Promise<boolean> {
  return other !== undefined && (await hashOf(file)) === (await hashOf(other));
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
