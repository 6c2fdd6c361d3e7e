/**
 * `domain.json`: what the people who run a domain decide about it. One strict schema; the type comes from it,
 * and a file that does not fit is answered with the field, what was found there and what would do.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { fromBase64url, toBase64url, utf8 } from '../base/bytes.js';
import { codeOf, writeDurably } from '../base/durable-file.js';
import { PosternError, messageOf } from '../base/errors.js';
import { isLoopbackHost } from '../base/peer-address.js';
import { isBaseUrl } from '../wire/base-url.js';
import { isDomainName } from '../wire/domain-name.js';

export const HOURS_OF_180_DAYS = 4320;
const ANY_SIZE = Number.MAX_SAFE_INTEGER;

const portSchema = z.int().min(0).max(65535);

/** A base URL: scheme, host and port, and nothing after them. Plain HTTP is for gateways on this machine. */
const baseUrlSchema = z.string().refine(isGatewayUrl, 'https://host:port without a path (http:// only for 127.0.0.1, [::1] and localhost)');

/** 32 bytes in base64url, the form in which postern shows public keys everywhere. */
const publicKeySchema = z.codec(
  z.string().refine((text) => fromBase64url(text)?.length === 32, 'a 32-byte Ed25519 key in base64url'),
  z.custom<Uint8Array>((value) => value instanceof Uint8Array),
  { decode: (text) => fromBase64url(text) ?? new Uint8Array(), encode: toBase64url },
);

const gatewaySchema = z.strictObject({
  name: z.string().refine(isGatewayName, '1 to 32 lower-case letters, digits and hyphens'),
  url: baseUrlSchema,
  /** The gateway's Ed25519 key: its certificate, its answers, its receipts and its knocks are checked against it. */
  key: publicKeySchema,
});

const domainConfigSchema = z.strictObject({
  format: z.literal(1),
  name: z.string().refine(isDomainName, 'a domain name in lower case'),
  /** Where knocks come in, by UDP. Port 0 takes any free one. */
  knock: z.strictObject({
    listenHost: z.string().min(1),
    listenPort: portSchema,
    /** How much work strangers may cause: knocks opened per second, and how many at once after a quiet time. */
    perSecond: z.number().positive().default(20),
    burst: z.int().min(1).default(200),
    /** A knock that was sent longer ago, or later from now, than this is an old one played again. */
    windowMinutes: z.int().min(1).default(120),
    /** Entries of the table of pending messages; beyond it knocks are dropped. */
    mostPending: z.int().min(1).default(10_000),
  }),
  /** False on machines that cannot know the time: then no knock is too old and nothing expires. */
  clockTrusted: z.boolean().default(true),
  /** The first one that can be reached takes outgoing messages. All of them may knock and are polled. */
  gateways: z.array(gatewaySchema).max(16),
  /** How long a message may be on its way unless the sender says otherwise. */
  transitLifetimeHours: z.int().min(1).max(HOURS_OF_180_DAYS).default(168),
  /** How often gateways are asked for news of what was sent, and outgoing messages are tried again. */
  pollSeconds: z.int().min(1).default(60),
  /** A larger message is not fetched. */
  largestBlobBytes: z.int().min(1).default(ANY_SIZE),
});

export type DomainConfig = z.output<typeof domainConfigSchema>;
export type GatewayConfig = DomainConfig['gateways'][number];

export async function readDomainConfig(file: string): Promise<DomainConfig> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (thrown) {
    const expected = codeOf(thrown) === undefined ? 'one JSON object' : 'a readable file';
    throw new PosternError('DOMAIN_CONFIG', `${file}: ${messageOf(thrown)}`, { file, field: '', found: messageOf(thrown), expected }, { cause: thrown });
  }
  return checkDomainConfig(value, file);
}

/** Checks a config read from `file`; the file's name is for the error only. */
export function checkDomainConfig(value: unknown, file: string): DomainConfig {
  const result = domainConfigSchema.safeDecode(value as z.input<typeof domainConfigSchema>);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const field = issue.path.join('.');
  const found = foundAt(value, issue.path);
  throw new PosternError('DOMAIN_CONFIG', `${file}: ${field === '' ? 'the file' : field} is ${found}: ${issue.message}`, { file, field, found, expected: issue.message }, { cause: result.error });
}

export async function writeDomainConfig(file: string, config: DomainConfig): Promise<void> {
  const value = z.encode(domainConfigSchema, config);
  await writeDurably(file, utf8(`${JSON.stringify(value, undefined, 2)}\n`));
}

export function isGatewayName(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,31}$/.test(text);
}

/** https, or plain HTTP that does not leave this machine. */
export function isGatewayUrl(text: string): boolean {
  if (!isBaseUrl(text) || !URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || isLoopbackHost(hostname.replace(/^\[(.*)\]$/, '$1'));
}

function foundAt(value: unknown, path: readonly PropertyKey[]): string {
  let found: unknown = value;
  for (const key of path) found = typeof found === 'object' && found !== null ? (found as Record<PropertyKey, unknown>)[key] : undefined;
  return found === undefined ? 'missing' : (JSON.stringify(found).slice(0, 100) ?? 'missing');
}
