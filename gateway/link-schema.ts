/** The links of a neighbour in postern.yaml, one schema a kind. docs/operating.md explains each setting. */
import { z } from 'zod';
import { planned } from './contact-schema.js';
import { usbLink } from './usb-schema.js';
import type { UsbLinkConfig } from './usb-schema.js';
import { BROADCAST_PORT, GIB, KIB, MIB, SECOND_MS, backoff, baseUrl, bytes, durationMs, host, ipAddress, port } from './value-schema.js';

/** The largest bundle taken from a neighbour, whatever it would like to send. */
export const INBOUND_BUNDLE_BYTES = 16 * MIB;

export const LTP_PORT = 1113;
/** Of an LTP engine: for \`ipn\` nodes customarily the node number. Other stacks read 32 bits. */
export const engineId = z.int().min(1).max(2 ** 32 - 1);

const LINK_RETRY = { firstMs: 2 * SECOND_MS, capMs: 15 * 60 * SECOND_MS };

const httpsLink = z.strictObject({
  kind: z.literal('https'),
  url: baseUrl,
  allowPlainHttp: z.boolean().default(false),
  largestBytes: bytes.min(64 * KIB).default(64 * GIB),
  parallel: z.int().min(1).max(16).default(2),
  retry: backoff.default(LINK_RETRY),
  ...planned,
});

const tcpclLink = z.strictObject({
  kind: z.literal('tcpcl'),
  /** Absent: the neighbour dials us. */
  host: host.optional(),
  port: port.min(1).default(4556),
  /** False for a neighbour of another make that has no TLS: on this machine, or with allowPlain. */
  tls: z.boolean().default(true),
  allowPlain: z.boolean().default(false),
  /** A bundle is made and read in memory, `parallel` of them at once. */
  largestBytes: bytes.min(64 * KIB).max(INBOUND_BUNDLE_BYTES).default(2 * MIB),
  parallel: z.int().min(1).max(64).default(4),
  keepaliveSec: z.int().min(0).max(600).default(30),
  retry: backoff.default(LINK_RETRY),
  ...planned,
});

const commandLink = z.strictObject({
  kind: z.literal('command'),
  /** The program and its arguments; no shell looks at them. {file}, {name}, {size} and {peer} stand for what they say. */
  program: z.array(z.string().max(4096)).min(1).max(64),
  environment: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'use a name such as RCLONE_CONFIG'), z.string().max(4096)).default({}),
  /** Where the other side's program puts its files. */
  inbox: z.string().min(1),
  /** Where a file lies while the program carries it. Absent: a folder in `data`. */
  outbox: z.string().min(1).optional(),
  limitMs: durationMs.min(SECOND_MS).default(10 * 60 * SECOND_MS),
  refusedExitCodes: z.array(z.int().min(1).max(255)).max(255).default([]),
  lookEveryMs: durationMs.min(100).default(5 * SECOND_MS),
  largestBytes: bytes.min(64 * KIB).max(INBOUND_BUNDLE_BYTES).default(2 * MIB),
  parallel: z.int().min(1).max(16).default(1),
  retry: backoff.default({ firstMs: 30 * SECOND_MS, capMs: 60 * 60 * SECOND_MS }),
  ...planned,
});

const ltpLink = z.strictObject({
  kind: z.literal('ltp'),
  /** Addresses, not names: LTP proves nobody, and strangers are told apart by them. */
  host: z.union([z.ipv4(), z.ipv6()], 'use an IP address: neighbours that prove no key are known by it'),
  port: port.min(1).default(LTP_PORT),
  /** Where its datagrams come from: the same port, another, or any for stacks that choose a new one at each start. */
  fromPort: z.union([port.min(1), z.literal('any')]).optional(),
  /** The neighbour's LTP engine. */
  engineId,
  /** green: nothing is acknowledged or sent again. */
  colour: z.enum(['red', 'green']).default('red'),
  /** The largest UDP payload that crosses the link in one piece. */
  segmentBytes: bytes.min(256).max(65_507).default(1400),
  largestBytes: bytes.min(64 * KIB).max(INBOUND_BUNDLE_BYTES).default(2 * MIB),
  /** Bundles under way at once. They are in the store, not in memory. */
  parallel: z.int().min(1).max(1024).default(16),
  /** Blocks of the neighbour's gathered at once. */
  sessions: z.int().min(1).max(1024).default(32),
  /** Of them in memory at once; the rest is gathered in files. */
  memoryBytes: bytes.min(MIB).max(GIB).default(64 * MIB),
  /** Small bundles that wait together go as one block of so many bytes; HDTN takes one bundle a block only. */
  aggregateBytes: bytes.max(INBOUND_BUNDLE_BYTES).default(0),
  retransmissions: z.int().min(1).max(100).default(7),
  /** Beyond twice the light time, until an answer is taken for lost. */
  marginMs: durationMs.min(10).default(5 * SECOND_MS),
  retry: backoff.default(LINK_RETRY),
  ...planned,
  /** LTP gives way to nobody: what the contact bears has to be said. */
  rateBytesPerSec: z.int().min(100),
});

const broadcastLink = z.strictObject({
  kind: z.literal('broadcast'),
  ...planned,
  /** The address of a multicast group, a network or a machine; no name, which would be looked up for each datagram. Absent: we only hear the neighbour. */
  host: ipAddress.optional(),
  port: port.min(1).default(BROADCAST_PORT),
  /** The address of the interface that multicast leaves by. */
  interface: ipAddress.optional(),
  ttl: z.int().min(0).max(255).default(1),
  /** On the line, with the heads of IP and UDP. One rate for everything that goes to this address. */
  rateBytesPerSec: z.int().min(100).max(GIB).default(125_000),
  /** A line of 16 characters and more that sender and listeners share. */
  secretFile: z.string().min(1).optional(),
  /** What fits a packet of 1500 bytes. */
  datagramBytes: z.int().min(512).max(65_000).default(1472),
  /** Of one round, beyond the bytes of the object. */
  extraPercent: z.int().min(0).max(400).default(30),
  rounds: z.int().min(1).max(1000).default(2),
  /** No multiple of what comes every 10 s or every minute: a round would meet the same gaps as the one before. */
  pauseMs: durationMs.default(57 * SECOND_MS),
  /** The longest time for which the line loses everything. */
  longestGapMs: durationMs.default(2 * SECOND_MS),
  /** A round takes at least so long. Absent: what the longest gap asks for, see spreadOf. */
  spreadMs: durationMs.optional(),
  largestBytes: bytes.min(64 * KIB).max(128 * MIB).default(8 * MIB),
  parallel: z.int().min(1).max(16).default(4),
  retry: backoff.default(LINK_RETRY),
});

const burstLink = z.strictObject({
  kind: z.literal('burst'),
  /** The serial port of the modem. */
  device: z.string().min(1).max(255),
  baudRate: z.int().min(300).max(921_600).default(19_200),
  /** The largest message that the modem at the other side takes, or the network that hands over to it. */
  messageBytes: z.int().min(50).max(340).default(270),
  /** Put before each message, where the network delivers by it. */
  prefixHex: z.string().regex(/^([0-9a-f]{2}){0,16}$/, 'use an even number of lower-case hex digits, 32 at most').default(''),
  /** What is larger waits for another link. */
  largestBytes: bytes.min(KIB).max(64 * KIB).default(4 * KIB),
  leastSignalBars: z.int().min(0).max(5).default(2),
  patienceMs: durationMs.min(SECOND_MS).default(10 * 60 * SECOND_MS),
  /** 0: the mailbox is looked into when the network rings, and along with what is sent. */
  checkMailboxEveryMs: durationMs.default(0),
  /** How the network counts what the budget calls bytes: each message up or down. */
  billing: z.strictObject({ minimumBytes: z.int().min(1).max(340).default(50), stepBytes: z.int().min(1).max(340).default(50) }).prefault({}),
  retry: backoff.default({ firstMs: 5 * 60 * SECOND_MS, capMs: 24 * 3600 * SECOND_MS }),
  ...planned,
  /** Minutes, not light: a ring, a session each way, and the wait for a satellite. */
  lightTimeMs: durationMs.default(30 * 60 * SECOND_MS),
});

export const linkSchema = z.discriminatedUnion('kind', [httpsLink, tcpclLink, commandLink, ltpLink, broadcastLink, usbLink, burstLink]);
export type LinkConfig = z.infer<typeof linkSchema>;
/** Links that somebody is at the other end of. A stick is not: see stick-service.ts. */
export type LiveLinkConfig = Exclude<LinkConfig, UsbLinkConfig>;
export type BroadcastConfig = z.infer<typeof broadcastLink>;

export function isLive(link: LinkConfig): link is LiveLinkConfig {
  return link.kind !== 'usb';
}

/** Kinds that carry batches, as they are or in their compact form; the others carry bundles. */
export const BATCH_KINDS: ReadonlySet<LinkConfig['kind']> = new Set(['https', 'broadcast', 'usb', 'burst']);

/** Where a broadcast link sends: links with one address share one carousel and its rate. */
export function addressOf({ host: to, port: toPort, interface: from }: BroadcastConfig): string | undefined {
  return to === undefined ? undefined : `${to} ${toPort} ${from ?? ''}`;
}

/** How many times the longest gap a round takes: it loses a small part of each block, and not a block. */
const SPREAD_GAPS = 60;

/** How long a round takes at least, so that a gap on the line is a small part of it. */
export function spreadOf({ spreadMs, longestGapMs }: BroadcastConfig): number {
  return spreadMs ?? SPREAD_GAPS * longestGapMs;
}

/** Whether datagrams of these two could be taken for one another's. */
export function sourcesClash(one: LinkConfig, other: LinkConfig): boolean {
  if (one.kind !== 'ltp' || other.kind !== 'ltp' || one.host !== other.host) return false;
  const [port, otherPort] = [one.fromPort ?? one.port, other.fromPort ?? other.port];
  return port === otherPort || port === 'any' || otherPort === 'any';
}

/** The folders that a link has for itself, by the settings that name them. */
export function foldersOf(link: LinkConfig): [field: string, folder: string][] {
  if (link.kind !== 'command') return [];
  return link.outbox === undefined ? [['inbox', link.inbox]] : [['inbox', link.inbox], ['outbox', link.outbox]];
}

/** File names in a link made whole by `at`; a program without a slash is looked for in PATH. */
export function withPathsAt(link: LinkConfig, at: (relative: string) => string): LinkConfig {
  if (link.kind === 'broadcast') return link.secretFile === undefined ? link : { ...link, secretFile: at(link.secretFile) };
  if (link.kind !== 'command') return link;
  const [program = '', ...rest] = link.program;
  return {
    ...link,
    program: [program.includes('/') ? at(program) : program, ...rest],
    inbox: at(link.inbox),
    ...(link.outbox !== undefined && { outbox: at(link.outbox) }),
  };
}
