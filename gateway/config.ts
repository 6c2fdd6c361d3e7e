/**
 * postern.yaml as one strict schema, and the one place that turns a bad file into an answer people can
 * use: the path in the file, what was found, what would do. Secrets are named by file, never written here.
 * docs/operating.md explains each block.
 */
import path from 'node:path';
import { z } from 'zod';
import { fromBase64url } from '../base/bytes.js';
import { MOST_NODE } from '../plan/contact-plan.js';
import { PRIORITIES } from '../plan/fill.js';
import { parseEid } from '../wire/eid.js';
import { BROADCAST_PORT, DAY_MS, GIB, HOUR_MS, KIB, MIB, SECOND_MS, backoff, baseUrl, bytes, durationMs, host, ipAddress, port } from './value-schema.js';
import { planFaults, time } from './contact-schema.js';
import { invalidConfig } from './faulty-config.js';
import { BATCH_KINDS, LTP_PORT, addressOf, engineId, foldersOf, isLive, linkSchema, sourcesClash, withPathsAt } from './link-schema.js';
import type { LinkConfig } from './link-schema.js';
import { batchEndpoint, ipnNumber } from './node-endpoint.js';

/** What a batch of one small blob needs beside it: record, offer, bundle. */
const UNIT_ROOM_BYTES = 16 * KIB;

const LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'use 1 to 32 lower-case letters, digits and hyphens');
const routePattern = z.string().max(255).regex(new RegExp(`^(\\*|(\\*\\.)?${LABEL}(\\.${LABEL})*)$`), 'use a domain, "*.domain" for everything below it, or "*"');
const filePath = z.string().min(1);
const planNode = z.int().min(0).max(MOST_NODE);
const publicKey = z.string().refine((text) => fromBase64url(text)?.length === 32, 'use a 32-byte Ed25519 key in base64url, as "postern peer invite" writes it');
const nodeId = z
  .string()
  .regex(/^(dtn:\/\/[A-Za-z0-9._-]{1,64}\/|ipn:[1-9][0-9]{0,9}\.0)$/, 'use a node id: "dtn://name/" or "ipn:N.0"')
  .refine((text) => !text.startsWith('ipn:') || parseEid(batchEndpoint(text)) !== undefined, 'use a node number below 2^32 - 1');

const quota = z.strictObject({
  bytes: bytes.default(4 * GIB),
  /** Bytes times seconds until expiry: what holding costs. The default is 4 GiB for 30 days. */
  byteSeconds: z.number().min(0).default(4 * GIB * 30 * 86_400),
});

const peer = z
  .strictObject({
    name,
    role: z.enum(['client', 'neighbour']),
    enabled: z.boolean().default(true),
    key: publicKey,
    /** Neighbours reached by bundles: their BPv7 node id. */
    nodeId: nodeId.optional(),
    /** Clients: the file with the domain record of the domain we serve for them. */
    domainRecordFile: filePath.optional(),
    quota: quota.optional(),
    links: z.array(linkSchema).max(8).default([]),
  })
  .superRefine((value, context) => {
    const refuse = (field: string, message: string): void => context.addIssue({ code: 'custom', path: [field], message });
    if (value.role === 'neighbour' && value.domainRecordFile !== undefined) refuse('domainRecordFile', 'only a client has a served domain');
    if (value.role === 'client' && value.links.length > 0) refuse('links', 'a client comes to us: it has no links');
    if (value.nodeId === undefined && value.links.some((link) => !BATCH_KINDS.has(link.kind))) refuse('nodeId', 'a neighbour that is sent bundles (every kind of link but https, broadcast, usb and burst) needs its node id');
    if (new Set(value.links.map((link) => link.kind)).size < value.links.length) refuse('links', 'give each kind of link once');
  });

const configSchema = z
  .strictObject({
    gateway: z.strictObject({
      name,
      nodeId,
      /** Where destinations fetch: goes into every knock. */
      publicUrl: baseUrl,
      keyFile: filePath,
    }),
    data: filePath.default('data'),
    adminSocket: filePath.optional(),
    listen: z.strictObject({
      https: z.strictObject({ host: host.default('0.0.0.0'), port: port.default(8443), tls: z.boolean().default(true), allowPlainHttp: z.boolean().default(false) }),
      tcpcl: z.strictObject({ host: host.default('0.0.0.0'), port: port.default(4556), tls: z.boolean().default(true), allowPlain: z.boolean().default(false) }).optional(),
      ltp: z.strictObject({ host: host.default('0.0.0.0'), port: port.default(LTP_PORT), engineId }).optional(),
      broadcast: z
        .strictObject({
          host: host.default('0.0.0.0'),
          port: port.default(BROADCAST_PORT),
          groups: z.array(ipAddress).max(16).default([]),
          interface: ipAddress.optional(),
          memoryBytes: bytes.min(MIB).max(4 * GIB).default(64 * MIB),
          receiveBufferBytes: bytes.min(64 * KIB).max(GIB).default(4 * MIB),
        })
        .optional(),
      metrics: z.strictObject({ host: host.default('127.0.0.1'), port }).optional(),
    }),
    store: z
      .strictObject({
        capacityBytes: bytes.min(16 * MIB).default(16 * GIB),
        reservePercent: z.int().min(1).max(50).default(10),
        segmentBytes: bytes.min(MIB).max(GIB).default(16 * MIB),
        /** At most one piece (4 MiB): smaller blobs travel whole. */
        largeBlobBytes: bytes.min(64 * KIB).max(4 * MIB).default(MIB),
        tombstoneMs: durationMs.default(7 * DAY_MS),
      })
      .prefault({}),
    limits: z
      .strictObject({
        blobBytes: bytes.min(KIB).default(64 * GIB),
        lifetimeMs: durationMs.min(HOUR_MS).default(180 * DAY_MS),
        batchesAtOnce: z.int().min(1).max(256).default(8),
        /** Fetches of what is not there, per source. 0: no limit, for a cache in front that has one address for everybody. */
        missesPerMinute: z.int().min(0).max(1_000_000).default(600),
      })
      .prefault({}),
    quota: z.strictObject({ peer: quota.prefault({}), destination: quota.prefault({}) }).prefault({}),
    clock: z
      .strictObject({
        /** system: believe this machine's clock unless it goes back or leaps. peers: believe it only once a neighbour's signed time agrees. */
        source: z.enum(['system', 'peers']).default('system'),
        leapMs: durationMs.min(60 * SECOND_MS).default(2 * DAY_MS),
      })
      .prefault({}),
    stick: z
      .strictObject({
        /** Left free on every stick: for the next gateway's receipts, and for whoever else uses it. */
        reserveBytes: bytes.default(4 * MIB),
        /** Room here for files between other gateways, carried on to our next sticks; 0 carries nothing. */
        carryBytes: z.number().int().min(0).default(GIB),
        /** Where the system mounts sticks: one with our folder that appears there is served by itself. */
        watch: z.array(filePath).max(16).default([]),
        lookEveryMs: durationMs.min(100).default(3 * SECOND_MS),
      })
      .prefault({}),
    knock: backoff.default({ firstMs: 5 * SECOND_MS, capMs: 6 * HOUR_MS }),
    peers: z.array(peer).max(10_000).default([]),
    routes: z.array(z.strictObject({ to: routePattern, via: name.optional(), node: planNode.optional() })).max(100_000).default([]),
    /** A contact plan of ION or HDTN: for routes to a node, and for links that follow it. */
    plan: z
      .strictObject({
        file: filePath,
        /** What relative times in it count from. Absent: the start of the gateway, as in ION. */
        startsAt: time.optional(),
        /** Our number in it; absent: that of an ipn node id. */
        node: planNode.optional(),
        /** The numbers of neighbours whose node id is no ipn one. */
        nodes: z.record(name, planNode).default({}),
      })
      .optional(),
    priority: z
      .strictObject({
        /** What has waited so long counts as one class higher, up to high. */
        ageingMs: durationMs.min(60 * SECOND_MS).default(DAY_MS),
        rules: z.array(z.strictObject({ to: routePattern, from: name.optional(), class: z.enum(PRIORITIES) })).max(10_000).default([]),
      })
      .prefault({}),
    /** What neighbours tell of while its blob waits for another link: what is asked for at once. */
    notices: z.strictObject({ fetch: z.array(z.strictObject({ to: routePattern, mostBytes: bytes.optional() })).max(10_000).default([]) }).prefault({}),
    log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info') }).prefault({}),
  })
  .superRefine((config, context) => {
    const refuse = (path: (string | number)[], message: string): void => context.addIssue({ code: 'custom', path, message });
    if (config.store.segmentBytes < 2 * config.store.largeBlobBytes) refuse(['store', 'segmentBytes'], 'use at least twice largeBlobBytes: a segment has to hold any small blob');
    const roles = new Map(config.peers.map((entry) => [entry.name, entry.role]));
    const names = new Set<string>();
    const keys = new Set<string>();
    for (const [index, entry] of config.peers.entries()) {
      if (names.has(entry.name)) refuse(['peers', index, 'name'], `the name ${entry.name} is taken by another peer`);
      if (keys.has(entry.key)) refuse(['peers', index, 'key'], "this key is another peer's");
      names.add(entry.name);
      keys.add(entry.key);
    }
    const folders = new Set<string>();
    const sources: LinkConfig[] = [];
    const rates = new Map<string, number>();
    for (const [index, entry] of config.peers.entries()) {
      for (const [position, link] of entry.links.entries()) {
        const path = ['peers', index, 'links', position];
        for (const [field, folder] of foldersOf(link)) {
          if (folders.has(folder)) refuse([...path, field], 'another link has this folder: give each one of its own');
          folders.add(folder);
        }
        const followsPlan = isLive(link) && link.contacts?.some((rule) => rule.plan === true) === true;
        if (followsPlan && (config.plan === undefined || (config.plan.nodes[entry.name] ?? ipnNumber(entry.nodeId)) === undefined)) refuse([...path, 'contacts'], 'to follow the plan there has to be one, and a number of this neighbour in it');
        if (isLive(link)) for (const { field, message } of planFaults(link)) refuse([...path, ...field], message);
        if (link.kind === 'ltp' && sources.some((other) => sourcesClash(other, link))) refuse([...path, 'fromPort'], "another neighbour's datagrams come from this address, too: LTP tells neighbours apart by nothing else");
        if (link.kind === 'ltp') sources.push(link);
        if (link.kind === 'ltp' && config.listen.ltp === undefined) refuse([...path, 'kind'], 'a neighbour is reached by LTP from listen.ltp, which is missing');
        if (link.kind === 'tcpcl' && link.host === undefined && config.listen.tcpcl === undefined) refuse([...path, 'host'], 'without a host the neighbour has to dial us, and listen.tcpcl is missing');
        if (link.kind === 'broadcast') {
          const address = addressOf(link);
          if (address === undefined && config.listen.broadcast === undefined) refuse([...path, 'host'], 'without a host we only hear the neighbour, and listen.broadcast is missing');
          if (address !== undefined && (rates.get(address) ?? link.rateBytesPerSec) !== link.rateBytesPerSec) refuse([...path, 'rateBytesPerSec'], 'another link to this address has another rate: they share one');
          if (address !== undefined) rates.set(address, link.rateBytesPerSec);
        }
        if (link.kind !== 'burst' && link.largestBytes < config.store.largeBlobBytes + UNIT_ROOM_BYTES) refuse([...path, 'largestBytes'], `use at least store.largeBlobBytes and ${UNIT_ROOM_BYTES} more: what is smaller than a large blob travels whole`);
      }
    }
    for (const [index, rule] of config.priority.rules.entries()) {
      if (rule.from !== undefined && !roles.has(rule.from)) refuse(['priority', 'rules', index, 'from'], `there is no peer named ${rule.from}`);
    }
    if (config.plan !== undefined) {
      if (config.plan.node === undefined && ipnNumber(config.gateway.nodeId) === undefined) refuse(['plan', 'node'], 'say which node of the plan this gateway is: its node id has no number');
      for (const peerName of Object.keys(config.plan.nodes)) if (!roles.has(peerName)) refuse(['plan', 'nodes', peerName], `there is no peer named ${peerName}`);
    }
    const patterns = new Set<string>();
    for (const [index, route] of config.routes.entries()) {
      if ((route.via === undefined) === (route.node === undefined)) refuse(['routes', index], 'give the neighbour it goes via, or the node it goes to by the plan');
      if (route.node !== undefined && config.plan === undefined) refuse(['routes', index, 'node'], 'a route to a node needs a plan');
      const role = route.via === undefined ? 'neighbour' : roles.get(route.via);
      if (role === undefined) refuse(['routes', index, 'via'], `there is no peer named ${route.via}`);
      if (role === 'client') refuse(['routes', index, 'via'], `${route.via} is a client: routes go via neighbours`);
      if (patterns.has(route.to)) refuse(['routes', index, 'to'], `${route.to} has a route already`);
      patterns.add(route.to);
    }
  });

export type GatewayConfig = z.infer<typeof configSchema>;
export type PeerConfig = GatewayConfig['peers'][number];
export type BackoffConfig = GatewayConfig['knock'];

/**
 * Checks a parsed file. Relative paths in it are resolved against the file's own folder.
 * @param lineOf the line in the file where a path stands, for the message
 */
export function parseConfig(value: unknown, file: string, lineOf?: (path: readonly PropertyKey[]) => number | undefined): GatewayConfig {
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) {
    throw invalidConfig(parsed.error, value, file, lineOf);
  }
  const folder = path.dirname(path.resolve(file));
  const at = (relative: string): string => path.resolve(folder, relative);
  const config = parsed.data;
  return {
    ...config,
    data: at(config.data),
    ...(config.adminSocket === undefined ? {} : { adminSocket: at(config.adminSocket) }),
    stick: { ...config.stick, watch: config.stick.watch.map(at) },
    ...(config.plan === undefined ? {} : { plan: { ...config.plan, file: at(config.plan.file) } }),
    gateway: { ...config.gateway, keyFile: at(config.gateway.keyFile) },
    peers: config.peers.map((entry) => ({
      ...entry,
      ...(entry.domainRecordFile !== undefined && { domainRecordFile: at(entry.domainRecordFile) }),
      links: entry.links.map((link) => withPathsAt(link, at)),
    })),
  };
}

/** Where the daemon listens for the commands of its own machine. */
export function adminSocketOf(config: Pick<GatewayConfig, 'data' | 'adminSocket'>): string {
  return config.adminSocket ?? path.join(config.data, 'admin.sock');
}
