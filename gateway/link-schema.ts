/** The links of a neighbour in postern.yaml, one schema a kind. docs/operating.md explains each setting. */
import { z } from 'zod';
import { GIB, KIB, MIB, SECOND_MS, backoff, baseUrl, bytes, durationMs, host, port } from './value-schema.js';

/** The largest bundle taken from a neighbour, whatever it would like to send. */
export const INBOUND_BUNDLE_BYTES = 16 * MIB;

const LINK_RETRY = { firstMs: 2 * SECOND_MS, capMs: 15 * 60 * SECOND_MS };

const httpsLink = z.strictObject({
  kind: z.literal('https'),
  url: baseUrl,
  allowPlainHttp: z.boolean().default(false),
  largestBytes: bytes.min(64 * KIB).default(64 * GIB),
  parallel: z.int().min(1).max(16).default(2),
  lightTimeMs: durationMs.default(0),
  retry: backoff.default(LINK_RETRY),
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
  lightTimeMs: durationMs.default(0),
  retry: backoff.default(LINK_RETRY),
});

export const linkSchema = z.discriminatedUnion('kind', [httpsLink, tcpclLink]);
export type LinkConfig = z.infer<typeof linkSchema>;
