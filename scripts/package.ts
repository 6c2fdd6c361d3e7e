/**
 * `npm run package`: one self-contained Linux executable for this machine's own architecture. It is this
 * machine's Node with the bundled program and the database engine inside it (docs/decisions/0003-single-executable.md).
 */
import { execFileSync } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { build, type Plugin } from 'esbuild';
import { CHART_FILES } from '../sim/report-charts.js';
import { THREAD_ASSET } from '../sim/run-threads.js';

const require = createRequire(import.meta.url);
const DIST = join(import.meta.dirname, '..');
/** Node looks for this text in its own executable; the injection flips the digit behind it. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
const ADDON = 'classic-level';

async function makeExecutable(out: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'postern-package-'));
  try {
    const program = join(work, 'postern.cjs');
    const worker = join(work, THREAD_ASSET);
    await bundle('cli/postern.js', program);
    await bundle('sim/run-thread.js', worker);
    const blob = await makeBlob(work, program, worker);
    const executable = join(work, 'postern');
    await copyNode(executable);
    runNode(require.resolve('postject/dist/cli.js'), executable, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', FUSE);
    await mkdir(dirname(out), { recursive: true });
    await copyFile(executable, `${out}.new`);
    await chmod(`${out}.new`, 0o755);
    await rename(`${out}.new`, out);
    console.log(`${out}: ${((await stat(out)).size / 1e6).toFixed(1)} MB, Node ${process.version} for ${process.platform} ${process.arch}`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** All of an entry point and what it imports as one CommonJS file: a single executable cannot import modules. */
async function bundle(entry: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [join(DIST, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    legalComments: 'eof',
    logLevel: 'warning',
    define: { 'import.meta.url': 'importMetaUrl', 'import.meta.dirname': '__dirname' },
    banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
    // Native code that only a gateway with a modem needs: without it the link `burst` says that this build has no serial ports.
    external: ['serialport'],
    plugins: [embeddedAddon, withoutCborExtract, withoutSatelliteThreads],
  });
}

const embeddedAddon: Plugin = {
  name: 'embedded-addon',
  setup(builder) {
    builder.onLoad({ filter: /classic-level[/\\]binding\.js$/ }, () => ({
      contents: `module.exports = require(${JSON.stringify(join(DIST, 'scripts/embedded-addon.js'))}).loadEmbeddedAddon(${JSON.stringify(ADDON)});`,
      resolveDir: DIST,
    }));
  },
};

/** cbor-x goes without its optional native helper, which would be a second addon for no gain on small objects. */
const withoutCborExtract: Plugin = {
  name: 'without-cbor-extract',
  setup(builder) {
    builder.onResolve({ filter: /^cbor-extract$/ }, () => ({ path: 'cbor-extract', namespace: 'absent' }));
    builder.onLoad({ filter: /.*/, namespace: 'absent' }, () => ({ contents: "throw new Error('not part of the single executable');" }));
  },
};

/** satellite.js goes without its WebAssembly for thousands of satellites at once, which nobody here asks for and a CommonJS file cannot hold. */
const withoutSatelliteThreads: Plugin = {
  name: 'without-satellite-threads',
  setup(builder) {
    builder.onResolve({ filter: /^#wasm-(single|multi)-thread$/ }, ({ path }) => ({ path, namespace: 'no-threads' }));
    builder.onLoad({ filter: /.*/, namespace: 'no-threads' }, () => ({ contents: "export default () => Promise.reject(new Error('not part of the single executable'));" }));
  },
};

async function makeBlob(work: string, main: string, worker: string): Promise<string> {
  const config = join(work, 'sea.json');
  const output = join(work, 'sea.blob');
  await writeFile(config, JSON.stringify({ main, output, disableExperimentalSEAWarning: true, assets: { [ADDON]: addonFile(), [THREAD_ASSET]: worker, ...Object.fromEntries(CHART_FILES.map((file) => [file, require.resolve(file)])) } }));
  runNode('--experimental-sea-config', config);
  return output;
}

/** The prebuilt engine that classic-level itself would load on this machine. */
function addonFile(): string {
  const fromLevel = createRequire(require.resolve('level'));
  const folder = dirname(fromLevel.resolve('classic-level'));
  const nodeGypBuild = createRequire(join(folder, 'binding.js'))('node-gyp-build') as { path(folder: string): string };
  return nodeGypBuild.path(folder);
}

/** Symbols are stripped before the injection, because stripping afterwards would cut off what was injected. */
async function copyNode(to: string): Promise<void> {
  await copyFile(process.execPath, to);
  await chmod(to, 0o755);
  try {
    execFileSync('strip', [to], { stdio: 'ignore' });
  } catch {
    console.log('There is no "strip" here: the executable keeps its symbols and is about 20 MB larger.');
  }
  if (!(await readFile(to)).includes(FUSE)) {
    throw new Error(`${process.execPath} cannot hold a program: it has no place for one. Use a Node from nodejs.org.`);
  }
}

/** What these tools say is of use only when they fail; then it is part of the error. */
function runNode(...args: string[]): void {
  execFileSync(process.execPath, args, { stdio: 'pipe' });
}

const { values } = parseArgs({ options: { out: { type: 'string', default: join(DIST, '../build/postern') } } });
await makeExecutable(resolve(values.out));
