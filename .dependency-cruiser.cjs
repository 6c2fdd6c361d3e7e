/**
 * The arrows of ARCHITECTURE.md as rules. A failure names the rule it breaks; scripts/layers.test.ts shows that
 * each rule bites. Tests, suites and test helpers may look anywhere.
 */
const TESTS = String.raw`\.(test|suite)\.ts$|test-helper\.ts$`;
const ENTRY = String.raw`^cli/postern\.ts$`;
const STAGES = 'accept|plan|pack|forward|receive|release|notify|serve|import|export';
const OURS = 'base|wire|store|links|plan|gateway|domain|sim|cli|bench|scripts|proofs';
/** The folders whose code ships; bench/ and scripts/ use whatever they measure or build. */
const SHIPPED = '^(base|wire|store|links|plan|gateway|domain|sim|cli)/';

/** Each outside package, and the only files that import it. The rest of the house imports those files. */
const DOORS = {
  'cbor-x': 'wire/cbor-decode',
  '@noble/hashes': 'wire/digest',
  level: 'store/open',
  // Tests compare with it.
  'memory-level': 'store/forgetful-database-test-helper',
  fastify: 'gateway/http-server',
  pino: 'gateway/log',
  yaml: 'gateway/yaml-file',
  'prom-client': 'gateway/metrics',
  commander: 'cli/program',
  'cli-progress': 'cli/progress',
  croner: 'plan/cron-contacts',
  serialport: 'links/burst/serial-port',
  'astronomy-engine': 'sim/planets',
  'satellite.js': 'sim/satellites',
  uplot: 'sim/report-charts',
  zod: '[a-z]+/[a-z-]*(config|schema)',
};

const packagePath = (name) => `(^|/)node_modules/${name}/`;

/** A rule for shipped code in `from`, except its tests. */
function forbid(name, comment, from, to) {
  return { name, comment, severity: 'error', from: { ...from, pathNot: [TESTS, ...(from.pathNot ?? [])] }, to };
}

/** A folder may look only at the folders named (and at itself). */
function looksOnlyAt(name, folder, allowed, comment) {
  return forbid(name, comment, { path: `^${folder}/` }, { path: `^(${OURS})/`, pathNot: [`^${folder}/`, ...allowed] });
}

const doors = Object.entries(DOORS).map(([name, file]) =>
  forbid(
    `one-door-${name.replace('@', '').replace('/', '-')}`,
    `${name} has one door; import that file instead.`,
    { path: SHIPPED, pathNot: [`^${file}\\.ts$`] },
    { path: packagePath(name) },
  ),
);

module.exports = {
  forbidden: [
    looksOnlyAt('base-stands-on-nothing', 'base', [], 'base/ is the ground.'),
    looksOnlyAt('store-looks-down', 'store', ['^wire/', '^base/'], 'The store knows formats, not links, stages or people.'),
    looksOnlyAt('links-see-bytes', 'links', ['^wire/digest\\.ts$', '^base/'], 'A link carries bytes; it knows neither formats nor the store.'),
    looksOnlyAt('gateway-looks-down', 'gateway', ['^(store|links|plan|wire|base)/'], 'The gateway serves the command line and knows nothing of domains.'),
    looksOnlyAt('sim-looks-down', 'sim', ['^(gateway|store|links|plan|wire|base)/'], 'The simulator stands on what it simulates; only the command line, benchmarks and scripts start it.'),
    looksOnlyAt('domain-stands-alone', 'domain', ['^(wire|base)/'], 'A domain talks to its gateway over the wire only.'),
    forbid(
      'wire-is-pure',
      'The formats know no disk, network, clock or chance, and nothing above the ground floor.',
      { path: '^wire/' },
      { path: `^(${OURS})/|^[a-z_:/]+$`, pathNot: ['^wire/', '^base/(bytes|errors)\\.ts$', '^(node:)?(crypto|assert|assert/strict|buffer)$'] },
    ),
    forbid(
      'plan-is-pure',
      'Planning computes from what it is handed: no disk, network, clock or chance.',
      { path: '^plan/' },
      { path: `^(${OURS})/|^[a-z_:/]+$`, pathNot: ['^plan/', '^base/(bytes|errors)\\.ts$'] },
    ),
    forbid(
      'links-are-strangers',
      'One kind of link does not know another.',
      { path: '^links/([^/]+)/' },
      { path: '^links/[^/]+/', pathNot: ['^links/$1/'] },
    ),
    forbid(
      'stages-are-strangers',
      'gateway.ts calls the stages in order; they do not call one another. A file named for a stage (pack-size.ts) belongs to it.',
      { path: `^gateway/(${STAGES})[-.]` },
      { path: `^gateway/(${STAGES})[-.]`, pathNot: ['^gateway/$1[-.]'] },
    ),
    forbid(
      'only-main-knows-the-makers',
      'The rest of the house sees the faces store/store.ts and links/link.ts. lanes.ts, make-link.ts and open-parts.ts are main.ts, the parts about links and about what lies in the data folder.',
      { path: SHIPPED, pathNot: ['^gateway/(main|lanes|make-link|open-parts)\\.ts$', '^store/', '^sim/sim-node\\.ts$'] },
      { path: '^store/(open|open-memory|assemble|level-store)\\.ts$|^links/[^/]+/[^/]+-link\\.ts$' },
    ),
    forbid(
      'gateway-is-blind',
      'Only a domain may open what is sealed.',
      { path: `^(${OURS})/`, pathNot: ['^domain/', '^sim/sim-domain\\.ts$', '^bench/', '^wire/open\\.ts$'] },
      { path: '^wire/open\\.ts$' },
    ),
    forbid('gateway-is-blind-hpke', 'HPKE is reached through seal.ts, open.ts and stick-seal.ts (a line between gateways) only.', { path: `^(${OURS})/`, pathNot: ['^wire/(seal|open|stick-seal)\\.ts$'] }, { path: '^wire/hpke\\.ts$' }),
    forbid('gateway-is-blind-by-any-way', 'No chain of imports leads from the carrying side to what opens.', { path: '^(gateway|store|links)/' }, { path: '^(wire/open\\.ts$|domain/)', reachable: true }),
    ...doors,
    forbid(
      'one-door-node-crypto',
      'Hashing, signing and sealing go through wire/; randomness and certificates have their own files.',
      { path: SHIPPED, pathNot: ['^wire/node-crypto\\.ts$', '^base/(random|tls-identity)\\.ts$', '^sim/(guard|quick-curves)\\.ts$'] },
      { path: '^(node:)?crypto$' },
    ),
    forbid(
      'every-package-has-a-door',
      'A new package needs a door in this file and a reason in docs/decisions/.',
      { path: SHIPPED },
      { path: '(^|/)node_modules/', pathNot: [...Object.keys(DOORS).map(packagePath), packagePath('@types/node')] },
    ),
    forbid('nothing-imports-bench-or-scripts', 'Tools and proofs use the house, not the other way round.', { path: SHIPPED }, { path: '^(bench|scripts|firmware|proofs)/' }),
    { name: 'no-circles', comment: 'A circle means that a type or a function lives in the wrong file.', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-dead-files',
      comment: 'No entry point leads here. A file that only its own test uses is dead, too.',
      severity: 'error',
      from: { path: `${ENTRY}|^(bench|scripts|proofs)/` },
      to: { path: SHIPPED, pathNot: [TESTS, ENTRY], reachable: false },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    builtInModules: { add: ['node:sea', 'node:sqlite', 'node:test'] },
  },
};
