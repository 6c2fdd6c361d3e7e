import t from 'tap';
import { isPosternError } from '../base/errors.js';
import { adminSocketOf, parseConfig } from './config.js';
import { spreadOf, type BroadcastConfig } from './link-schema.js';

const KEY = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
const OTHER_KEY = 'AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE';

/** Every field there is, each with a value that is not its default. */
function fullConfig(): Record<string, unknown> {
  return {
    gateway: { name: 'ship', nodeId: 'dtn://ship/', publicUrl: 'https://ship.example.org:8443', keyFile: 'keys/gateway.key' },
    data: 'somewhere',
    adminSocket: '/run/postern/admin.sock',
    listen: {
      https: { host: '127.0.0.1', port: 8444, tls: false, allowPlainHttp: true },
      tcpcl: { host: '127.0.0.1', port: 4557, tls: false, allowPlain: true },
      ltp: { host: '127.0.0.1', port: 1114, engineId: 9 },
      metrics: { host: '127.0.0.1', port: 9100 },
    },
    store: { capacityBytes: 1e9, reservePercent: 5, segmentBytes: 2 ** 23, largeBlobBytes: 2 ** 19, tombstoneMs: 1000 },
    limits: { blobBytes: 1e6, lifetimeMs: 8e6, batchesAtOnce: 2, missesPerMinute: 60 },
    quota: { peer: { bytes: 1, byteSeconds: 2 }, destination: { bytes: 3, byteSeconds: 4 } },
    clock: { source: 'peers', leapMs: 100_000 },
    knock: { firstMs: 100, capMs: 2000 },
    peers: [
      { name: 'home', role: 'client', enabled: false, key: KEY, domainRecordFile: 'home.record', quota: { bytes: 5, byteSeconds: 6 } },
      {
        name: 'shore',
        role: 'neighbour',
        key: OTHER_KEY,
        nodeId: 'ipn:7.0',
        links: [
          { kind: 'https', url: 'https://shore:8443', allowPlainHttp: true, largestBytes: 1e6, parallel: 3, lightTimeMs: 9, retry: { firstMs: 100, capMs: 1000 } },
          { kind: 'tcpcl', host: 'shore', port: 4558, tls: false, allowPlain: true, largestBytes: 1e6, parallel: 3, keepaliveSec: 7, lightTimeMs: 9, retry: { firstMs: 100, capMs: 1000 } },
        ],
      },
    ],
    routes: [{ to: '*.example.org', via: 'shore' }],
    log: { level: 'warn' },
  };
}

type Path = (string | number)[];

function* leaves(value: unknown, path: Path = []): Generator<Path> {
  if (typeof value !== 'object' || value === null) yield path;
  else for (const [key, inner] of Object.entries(value)) yield* leaves(inner, [...path, Array.isArray(value) ? Number(key) : key]);
}

function* objects(value: unknown, path: Path = []): Generator<Path> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield path;
  for (const [key, inner] of Object.entries(value)) yield* objects(inner, [...path, Array.isArray(value) ? Number(key) : key]);
}

function withValue(path: Path, value: unknown): Record<string, unknown> {
  const config = fullConfig();
  let at: unknown = config;
  for (const key of path.slice(0, -1)) at = (at as Record<string | number, unknown>)[key];
  (at as Record<string | number, unknown>)[path.at(-1) as string] = value;
  return config;
}

const textOf = (path: Path): string => path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('').replace(/^\./, '');

function fault(config: unknown): { path: string; message: string } | undefined {
  try {
    parseConfig(config, 'postern.yaml', () => 42);
    return undefined;
  } catch (thrown) {
    if (!isPosternError(thrown) || thrown.code !== 'CONFIG_INVALID') throw thrown;
    return { path: (thrown.data as { path: string }).path, message: thrown.message };
  }
}

t.test('every field takes its value, and every field with a wrong one is named, with its line and what was found', async (t) => {
  t.equal(fault(fullConfig()), undefined);
  for (const path of leaves(fullConfig())) {
    for (const wrong of [null, [], { no: 'such thing' }, -1.5]) {
      const found = fault(withValue(path, wrong));
      t.match(found, { path: textOf(path), message: /^postern\.yaml cannot be used:\n {2}line 42, / }, `${textOf(path)} is not ${JSON.stringify(wrong)}`);
    }
  }
});

t.test('a word too many is refused everywhere, by name', async (t) => {
  for (const path of objects(fullConfig())) {
    t.match(fault(withValue([...path, 'qoutaBytes'], 1))?.message, /qoutaBytes/, textOf(path));
  }
});

t.test('values out of bounds and wrong words are refused', async (t) => {
  for (const [path, value] of [
    [['gateway', 'name'], 'Ship One'],
    [['gateway', 'nodeId'], 'dtn:none'],
    [['gateway', 'nodeId'], 'ipn:0.0'],
    [['gateway', 'publicUrl'], 'ftp://ship'],
    [['gateway', 'publicUrl'], 'https://ship/'],
    [['gateway', 'publicUrl'], `https://${'a'.repeat(130)}`],
    [['listen', 'https', 'port'], 65_536],
    [['store', 'capacityBytes'], 1000],
    [['store', 'reservePercent'], 0],
    [['store', 'segmentBytes'], 2 ** 20 - 1],
    [['store', 'largeBlobBytes'], 2 ** 22 + 1],
    [['peers', 1, 'links', 0, 'largestBytes'], 2 ** 19],
    [['peers', 1, 'key'], 'AAAA'],
    [['peers', 1, 'name'], 'home'],
    [['peers', 1, 'key'], KEY],
    [['peers', 1, 'domainRecordFile'], 'x'],
    [['peers', 0, 'links'], [{ kind: 'https', url: 'https://h' }]],
    [['peers', 1, 'links', 0, 'kind'], 'pigeon'],
    [['routes', 0, 'via'], 'nobody'],
    [['routes', 0, 'via'], 'home'],
    [['routes', 0, 'to'], 'Example.org'],
    [['routes', 0, 'to'], '**.org'],
    [['log', 'level'], 'loud'],
  ] as const) {
    t.ok(fault(withValue([...path], value)), `${textOf([...path])}: ${JSON.stringify(value)}`);
  }
});

t.test('what only goes together is asked for together', async (t) => {
  const noDoor = fullConfig();
  delete (noDoor['listen'] as Record<string, unknown>)['tcpcl'];
  t.equal(fault(noDoor), undefined, 'a neighbour that is dialled needs no door');
  const peers = noDoor['peers'] as { links: Record<string, unknown>[] }[];
  delete peers[1]?.links[1]?.['host'];
  t.match(fault(noDoor), { path: 'peers[1].links[1].host' });
});

t.test('paths are relative to the file', async (t) => {
  const config = parseConfig(fullConfig(), '/etc/postern/postern.yaml');
  t.equal(config.data, '/etc/postern/somewhere');
  t.equal(config.gateway.keyFile, '/etc/postern/keys/gateway.key');
  t.equal(config.peers[0]?.domainRecordFile, '/etc/postern/home.record');
  t.equal(adminSocketOf(config), '/run/postern/admin.sock');
});

t.test('an LTP neighbour is known by an address that nobody else has', async (t) => {
  const base = { kind: 'ltp', engineId: 7, rateBytesPerSec: 1000 };
  const withLinks = (ours: unknown, theirs: unknown): Record<string, unknown> => {
    const config = fullConfig();
    (config['peers'] as unknown[]).push(
      { name: 'one', role: 'neighbour', key: `C${KEY.slice(1)}`, nodeId: 'ipn:8.0', links: [ours] },
      { name: 'two', role: 'neighbour', key: `E${KEY.slice(1)}`, nodeId: 'ipn:9.0', links: [theirs] },
    );
    return config;
  };
  const one = { ...base, host: '192.0.2.7' };
  t.equal(fault(withLinks(one, { ...base, host: '192.0.2.8' })), undefined);
  t.equal(fault(withLinks(one, { ...base, host: '192.0.2.7', port: 1114 })), undefined);
  t.match(fault(withLinks(one, { ...base, host: '192.0.2.7' })), { path: 'peers[3].links[0].fromPort' });
  t.match(fault(withLinks(one, { ...base, host: '192.0.2.7', port: 1114, fromPort: 'any' })), { path: 'peers[3].links[0].fromPort' });
  t.match(fault(withLinks({ ...base, host: 'shore.example.org' }, one)), { path: 'peers[2].links[0].host' });
  t.match(fault(withLinks({ kind: 'ltp', host: '192.0.2.7', engineId: 7 }, { ...base, host: '192.0.2.8' })), { path: 'peers[2].links[0].rateBytesPerSec' });
  const noDoor = withLinks(one, { ...base, host: '192.0.2.8' });
  delete (noDoor['listen'] as Record<string, unknown>)['ltp'];
  t.match(fault(noDoor), { path: 'peers[2].links[0].kind' });
});

t.test('rounds of a broadcast are spread by the longest gap on its line, unless their spread is given', async (t) => {
  const config = fullConfig();
  const peers = config['peers'] as { links: unknown[] }[];
  for (const [settings, spreadMs] of [[{}, 120_000], [{ longestGapMs: 10_000 }, 600_000], [{ longestGapMs: 0 }, 0], [{ longestGapMs: 10_000, spreadMs: 5 }, 5]] as const) {
    peers[1]!.links = [{ kind: 'broadcast', host: '239.1.2.3', ...settings }];
    t.equal(spreadOf(parseConfig(config, '/etc/postern/postern.yaml').peers[1]?.links[0] as BroadcastConfig), spreadMs);
  }
});

t.test('a broadcast link sends, hears, or both; links to one address have one rate', async (t) => {
  const config = fullConfig();
  const peers = config['peers'] as { nodeId?: string; links: Record<string, unknown>[] }[];
  peers[1]!.links = [{ kind: 'broadcast', host: '239.1.2.3', rateBytesPerSec: 1000, secretFile: 'secret' }];
  delete peers[1]!.nodeId;
  t.match(parseConfig(config, '/etc/postern/postern.yaml').peers[1]?.links, [{ port: 4557, secretFile: '/etc/postern/secret' }]);
  peers.push({ ...peers[1]!, ...{ name: 'third', key: KEY.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')) }, links: [{ kind: 'broadcast', host: '239.1.2.3', rateBytesPerSec: 2000 }] });
  t.match(fault(config), { path: 'peers[2].links[0].rateBytesPerSec' });
  peers[2]!.links = [{ kind: 'broadcast' }];
  t.match(fault(config), { path: 'peers[2].links[0].host' }, 'nowhere to send to and nowhere to hear it');
  (config['listen'] as Record<string, unknown>)['broadcast'] = { groups: ['239.1.2.3'] };
  t.equal(fault(config), undefined);
  (config['listen'] as Record<string, unknown>)['broadcast'] = { groups: ['everybody'] };
  t.match(fault(config), { path: /^listen.broadcast.groups/ });
});

t.test('a command link has folders of its own and a program by path or by name', async (t) => {
  const config = fullConfig();
  const peers = config['peers'] as { links: Record<string, unknown>[] }[];
  const link = { kind: 'command', program: ['bin/send', '{file}'], inbox: 'in', outbox: 'out' };
  peers[1]?.links.push(link);
  const parsed = parseConfig(config, '/etc/postern/postern.yaml').peers[1]?.links.at(-1);
  t.match(parsed, { program: ['/etc/postern/bin/send', '{file}'], inbox: '/etc/postern/in', outbox: '/etc/postern/out' });
  link.program = ['rsync'];
  t.match(parseConfig(config, '/etc/postern/postern.yaml').peers[1]?.links.at(-1), { program: ['rsync'] });
  link.outbox = 'in';
  t.match(fault(config), { path: 'peers[1].links[2].outbox' });
  link.outbox = 'out';
  link.program = [];
  t.match(fault(config), { path: 'peers[1].links[2].program' });
});

t.test('nothing at all, a list, or a word is no configuration', async (t) => {
  for (const value of [undefined, null, [], 'postern', {}]) t.ok(fault(value));
  t.match(fault('postern-gateway-key-1 secret')?.message, /the file: .*\(found string\)/, 'nor does a key that was named by mistake come out');
});
