/**
 * `postern export`, `import` and `stick`: what a person does with a stick, and what the appliance runs when one is plugged in. The
 * running gateway does it; where none runs, this process does it on the gateway's data itself.
 */
import { resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { sleep } from '../base/clock.js';
import { isPosternError, PosternError } from '../base/errors.js';
import type { GatewayConfig } from '../gateway/config.js';
import type { StickProgress } from '../gateway/stick-parts.js';
import type { StickErrand, StickJob, StickOutcome } from '../gateway/stick-status.js';
import { askGateway } from './admin-client.js';
import { EXIT } from './exit-codes.js';
import { loadConfig } from './load-config.js';
import { startProgress } from './progress.js';
import type { Progress } from './progress.js';
import type { CliContext, Command } from './program.js';
import { outcomeText } from './stick-text.js';

const ASKED_EVERY_MS = 200;

export function addStick(program: Command, context: CliContext): void {
  const add = (name: string, errand: StickErrand, summary: string, description: string): void => {
    program
      .command(name)
      .summary(summary)
      .description(description)
      .argument('<dir>', 'where the stick is mounted')
      .action((dir: string) => serve(context, errand, dir));
  };
  add('export', 'export', 'put what is due on a stick', 'Removes what is confirmed, then writes what is due for every neighbour with a link of the kind usb, sealed to it, as much as fits. What is written has been read back. Custody stays here until the receipts come home.');
  add('import', 'import', 'take what a stick has for this gateway', 'Takes every file for this gateway, each whole or not at all, and copies files between other gateways to carry them on. Nothing on the stick is changed.');
  add('stick', 'visit', 'import, then export: all that a stick comes for', 'What the appliance does when a stick is plugged in. When this ends, the stick may be pulled out. A stick that is read-only is imported from.');
}

async function serve(context: CliContext, errand: StickErrand, dir: string): Promise<void> {
  const { config } = await loadConfig(context);
  if (errand !== 'import' && !config.peers.some((peer) => peer.links.some((link) => link.kind === 'usb'))) {
    throw new PosternError('CLI_USAGE', 'No neighbour is reached by sticks: give one a link "kind: usb" in the configuration.', { found: errand });
  }
  const shown = new ShownProgress(context);
  let outcome: StickOutcome;
  try {
    outcome = await serveBy(context, config, errand, resolve(dir), (progress) => shown.update(progress));
  } finally {
    shown.stop();
  }
  context.output.result(outcome, () => outcomeText(outcome));
  if (outcome.imported?.quarantined.some(({ before }) => !before) === true) context.exitWith(EXIT.refused);
}

/** By the daemon where there is one. */
async function serveBy(context: CliContext, config: GatewayConfig, errand: StickErrand, dir: string, update: (progress: StickProgress) => void): Promise<StickOutcome> {
  try {
    await askGateway(context, config, { method: 'POST', path: '/stick', body: { errand, dir } });
  } catch (thrown) {
    if (!isPosternError(thrown) || thrown.code !== 'CLI_NOT_RUNNING' || isAnothers(thrown)) throw thrown;
    keepMemorySmall();
    const { withGatewayAtRest } = await import('../gateway/at-rest.js');
    return withGatewayAtRest(config, context.clock, context.random, (sticks) => {
      context.signal.addEventListener('abort', () => void sticks.stop());
      return sticks.run(errand, dir, update);
    });
  }
  for (;;) {
    const job = (await askGateway(context, config, { method: 'GET', path: '/stick' })) as StickJob;
    if (job.state === 'done') return job.outcome;
    if (job.state === 'failed') throw new PosternError('CLI_REFUSED', job.message, { code: job.code });
    if (job.state === 'running' && job.progress !== undefined) update(job.progress);
    await sleep(context.clock, ASKED_EVERY_MS, context.signal);
    context.signal.throwIfAborted();
  }
}

/**
 * What is in use at once is some 40 MB, whatever the stick holds; left alone, V8 would let five times that gather before it looks
 * for what is not (docs/performance.md, "Sticks"). A fifth more CPU time is the price.
 */
function keepMemorySmall(): void {
  for (const flag of ['--heap-growing-percent=40', '--semi-space-growth-factor=1']) setFlagsFromString(flag);
}

/** The socket is there and may not be opened: then the data is not ours to touch either. */
function isAnothers(thrown: PosternError): boolean {
  const { cause } = thrown;
  return isPosternError(cause) && (cause.data as { systemCode?: string }).systemCode === 'EACCES';
}

/** One bar a phase. */
class ShownProgress {
  readonly #context: CliContext;
  #phase: StickProgress['phase'] | undefined;
  #bar: Progress | undefined;

  constructor(context: CliContext) {
    this.#context = context;
  }

  update({ phase, doneBytes, totalBytes }: StickProgress): void {
    if (phase !== this.#phase) {
      this.stop();
      this.#phase = phase;
      this.#bar = startProgress(this.#context, phase === 'import' ? 'reading the stick' : 'writing the stick', totalBytes);
    }
    this.#bar?.update(doneBytes);
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}
