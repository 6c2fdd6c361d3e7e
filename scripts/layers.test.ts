/** Shows that each rule of .dependency-cruiser.cjs bites, on a small house that breaks all of them, and only where it is broken. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';

const ROOT = join(import.meta.dirname, '../..');
const CONFIG = join(ROOT, '.dependency-cruiser.cjs');
const FOLDERS = ['base', 'wire', 'store', 'links', 'plan', 'gateway', 'domain', 'sim', 'cli', 'bench', 'scripts', 'proofs'];
const require = createRequire(import.meta.url);

/** What a sound house looks like: every file is reached from the entry and every arrow points down. */
const SOUND: Readonly<Record<string, readonly string[]>> = {
  'cli/postern': ['./program.js', '../gateway/main.js', '../domain/send.js', '../sim/world.js'],
  'cli/program': ['commander'],
  'base/bytes': [],
  'base/clock': [],
  'base/random': ['node:crypto'],
  'wire/digest': ['@noble/hashes/sha2.js'],
  'wire/node-crypto': ['node:crypto', '../base/bytes.js'],
  'wire/hpke': ['./node-crypto.js', './digest.js'],
  'wire/seal': ['./hpke.js'],
  'wire/open': ['./hpke.js'],
  'store/store': ['../base/bytes.js'],
  'store/open': ['level', './store.js'],
  'links/link': ['../base/clock.js'],
  'links/usb/usb-link': ['../link.js', './stick.js', '../../wire/digest.js'],
  'links/usb/stick': ['node:fs'],
  'links/https/https-link': ['../link.js', '../../base/random.js'],
  'plan/budget': ['./period.js', '../base/errors.js'],
  'plan/period': [],
  'plan/cron-contacts': ['croner'],
  'gateway/main': ['../plan/budget.js', '../plan/cron-contacts.js', './gateway.js', './config.js', '../store/open.js', '../links/usb/usb-link.js', '../links/https/https-link.js'],
  'gateway/config': ['zod'],
  'gateway/gateway': ['./accept.js', './notify.js'],
  'gateway/accept': ['../store/store.js', './accept-quota.js'],
  'gateway/accept-quota': ['../base/clock.js'],
  'gateway/notify': ['../wire/seal.js'],
  'domain/send': ['../wire/seal.js', '../wire/open.js', '../base/random.js'],
  'sim/world': ['./sim-node.js', './sim-domain.js', './guard.js', './planets.js', './satellites.js', './report-charts.js'],
  'sim/sim-node': ['../gateway/gateway.js', '../store/open.js', '../base/clock.js'],
  'sim/sim-domain': ['../wire/open.js'],
  'sim/guard': ['node:crypto'],
  'sim/planets': ['astronomy-engine'],
  'sim/satellites': ['satellite.js'],
  'sim/report-charts': ['uplot'],
  'gateway/gateway.test': ['./gateway.js', '../domain/send.js', '../store/open.js', 'tap'],
  'bench/accept': ['../store/open.js', 'level'],
  'proofs/blind': ['../gateway/main.js', '../domain/send.js'],
};

/** One broken arrow a line: the file, what it imports, and the rules that must say so. */
const BROKEN: readonly (readonly [file: string, imported: string, ...rules: string[]])[] = [
  ['base/bytes', '../wire/digest.js', 'base-stands-on-nothing'],
  ['wire/seal', 'node:fs', 'wire-is-pure'],
  ['wire/seal', 'node:fs/promises', 'wire-is-pure'],
  ['wire/seal', 'node:net', 'wire-is-pure'],
  ['wire/seal', 'node:http', 'wire-is-pure'],
  ['wire/seal', '../base/clock.js', 'wire-is-pure'],
  ['wire/seal', '../base/random.js', 'wire-is-pure'],
  ['wire/seal', '../store/store.js', 'wire-is-pure'],
  ['store/store', '../links/link.js', 'store-looks-down'],
  ['store/store', '../gateway/accept-quota.js', 'store-looks-down'],
  ['links/usb/stick', '../../wire/seal.js', 'links-see-bytes'],
  ['links/usb/stick', '../../store/store.js', 'links-see-bytes'],
  ['links/usb/stick', '../https/https-link.js', 'links-are-strangers', 'only-main-knows-the-makers'],
  ['links/usb/stick', '../../gateway/config.js', 'links-see-bytes'],
  ['plan/budget', '../store/store.js', 'plan-is-pure'],
  ['plan/budget', '../base/clock.js', 'plan-is-pure'],
  ['plan/budget', 'node:fs', 'plan-is-pure'],
  ['plan/budget', 'croner', 'one-door-croner'],
  ['gateway/notify', './accept.js', 'stages-are-strangers'],
  ['gateway/notify', './accept-quota.js', 'stages-are-strangers'],
  ['gateway/gateway', '../store/open.js', 'only-main-knows-the-makers'],
  ['cli/program', '../links/usb/usb-link.js', 'only-main-knows-the-makers'],
  ['gateway/gateway', '../cli/program.js', 'gateway-looks-down'],
  ['gateway/notify', '../wire/open.js', 'gateway-is-blind', 'gateway-is-blind-by-any-way'],
  ['wire/seal', './open.js', 'gateway-is-blind'],
  ['cli/program', '../wire/open.js', 'gateway-is-blind'],
  ['gateway/notify', '../wire/hpke.js', 'gateway-is-blind-hpke'],
  ['domain/send', '../wire/hpke.js', 'gateway-is-blind-hpke'],
  ['gateway/notify', '../domain/send.js', 'gateway-looks-down', 'gateway-is-blind-by-any-way'],
  ['domain/send', '../store/store.js', 'domain-stands-alone'],
  ['domain/send', '../gateway/config.js', 'domain-stands-alone'],
  ['domain/send', '../cli/program.js', 'domain-stands-alone'],
  ['sim/world', '../domain/send.js', 'sim-looks-down'],
  ['sim/world', '../wire/open.js', 'gateway-is-blind'],
  ['gateway/gateway', '../sim/sim-domain.js', 'gateway-looks-down'],
  ['store/store', 'cbor-x', 'one-door-cbor-x'],
  ['wire/seal', '@noble/hashes/sha2.js', 'one-door-noble-hashes'],
  ['gateway/accept', 'level', 'one-door-level'],
  ['store/store', 'memory-level', 'one-door-memory-level'],
  ['gateway/accept', 'fastify', 'one-door-fastify'],
  ['gateway/accept', 'serialport', 'one-door-serialport'],
  ['sim/world', 'astronomy-engine', 'one-door-astronomy-engine'],
  ['sim/world', 'satellite.js', 'one-door-satellite.js'],
  ['sim/world', 'uplot', 'one-door-uplot'],
  ['gateway/accept', 'pino', 'one-door-pino'],
  ['cli/program', 'yaml', 'one-door-yaml'],
  ['gateway/accept', 'prom-client', 'one-door-prom-client'],
  ['cli/postern', 'commander', 'one-door-commander'],
  ['cli/program', 'cli-progress', 'one-door-cli-progress'],
  ['gateway/accept', 'zod', 'one-door-zod'],
  ['wire/seal', 'node:crypto', 'one-door-node-crypto'],
  ['links/usb/stick', 'left-pad', 'every-package-has-a-door'],
  ['gateway/accept', 'tap', 'every-package-has-a-door'],
  ['gateway/accept', '../proofs/blind.js', 'nothing-imports-bench-or-scripts'],
  ['gateway/accept', '../bench/accept.js', 'nothing-imports-bench-or-scripts'],
  ['gateway/accept-quota', './accept.js', 'no-circles'],
];

// dependency-cruiser starts twice, which takes a while on a busy machine.
t.setTimeout(120_000);

t.test('finds nothing to say about a sound house', async (t) => {
  t.same(await violations(await build(t.testdir(), SOUND)), []);
});

t.test('names the rule for each broken arrow, and each file that nothing leads to', async (t) => {
  const house: Record<string, readonly string[]> = { ...SOUND, 'wire/forgotten': [], 'wire/only-tested': [], 'wire/only-tested.test': ['./only-tested.js'] };
  for (const [file, imported] of BROKEN) house[file] = [...(house[file] ?? []), imported];
  const found = await violations(await build(t.testdir(), house));
  for (const [file, imported, ...rules] of BROKEN) {
    for (const rule of rules) t.ok(found.some((one) => one.rule === rule && one.from === `${file}.ts` && one.to.includes(target(file, imported))), `${rule}: ${file} imports ${imported}`);
  }
  t.same(found.filter(({ rule }) => rule === 'no-dead-files').map(({ from }) => from).sort(), ['wire/forgotten.ts', 'wire/only-tested.ts']);
});

t.test('shows every rule of the house', async (t) => {
  const { forbidden } = require(CONFIG) as { forbidden: { name: string }[] };
  const shown = new Set(['no-dead-files', ...BROKEN.flatMap(([, , ...rules]) => rules)]);
  t.same(forbidden.map((rule) => rule.name).filter((name) => !shown.has(name)), []);
});

interface Violation {
  readonly rule: string;
  readonly from: string;
  readonly to: string;
}

/** How dependency-cruiser writes the path of what is imported, or the part of it that counts. */
function target(file: string, imported: string): string {
  if (imported.startsWith('.')) return join(dirname(file), imported).replace(/\.js$/, '.ts');
  return imported.startsWith('node:') ? imported.slice('node:'.length) : `node_modules/${imported}`;
}

/** Writes a house of files that import one another, with stand-ins for the outside packages. */
async function build(folder: string, house: Readonly<Record<string, readonly string[]>>): Promise<string> {
  const packages = new Set(Object.values(house).flat().filter((name) => !name.startsWith('.') && !name.startsWith('node:')));
  for (const name of packages) await write(join(folder, 'node_modules', isFileOfPackage(name) ? name : `${name}/index.js`), '');
  for (const name of FOLDERS) await mkdir(join(folder, name), { recursive: true });
  await write(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  await write(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { module: 'NodeNext' } }));
  for (const [file, imports] of Object.entries(house)) {
    await write(join(folder, `${file}.ts`), [...imports.map((name) => `import type * as _ from '${name}';`), 'export {};', ''].join('\n'));
  }
  return folder;
}

/** `@noble/hashes/sha2.js` is one, the package `satellite.js` is none. */
function isFileOfPackage(name: string): boolean {
  return name.includes('/') && name.endsWith('.js');
}

async function violations(folder: string): Promise<Violation[]> {
  // To a file: on a pipe the end of a long report is lost when the reader is slow.
  const report = join(folder, 'report.json');
  const args = ['--config', CONFIG, '--output-type', 'json', '--output-to', report, ...FOLDERS];
  // Its exit code is the number of violations.
  const ran = await promisify(execFile)(join(ROOT, 'node_modules/.bin/depcruise'), args, { cwd: folder }).catch((failed: unknown) => failed as { stderr: string });
  const { summary } = JSON.parse(await readFile(report, 'utf8').catch(() => assert.fail(ran.stderr))) as { summary: { violations: { rule: { name: string }; from: string; to: string }[] } };
  return summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to }));
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}
