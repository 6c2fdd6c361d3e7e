import { PassThrough } from 'node:stream';
import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { seededRandom } from '../base/random.js';
import { makeProgram } from './program.js';
import { startProgress } from './progress.js';

const MIB = 1024 * 1024;

t.test('draws a bar on a terminal', async (t) => {
  const { context, written } = await frame([], true);
  const progress = startProgress(context, 'sending', 10 * MIB);
  progress.update(5 * MIB);
  progress.stop();
  t.match(written(), /sending .*50 %.*5\.0 MiB/);
});

t.test('writes a line now and then where nobody watches', async (t) => {
  const { context, clock, written } = await frame([], false);
  const progress = startProgress(context, 'sending', 100 * MIB);
  for (let second = 1; second <= 25; second++) {
    clock.advance(1000);
    progress.update(second * MIB);
  }
  progress.stop();
  progress.stop();
  t.equal(written(), 'sending: 10.0 MiB of 100 MiB, 1.0 MiB/s\nsending: 20.0 MiB of 100 MiB, 1.0 MiB/s\nsending: 25.0 MiB in 25 s\n');
});

t.test('writes nothing with --json', async (t) => {
  const { context, clock, written } = await frame(['--json'], true);
  const progress = startProgress(context, 'sending', MIB);
  clock.advance(60_000);
  progress.update(MIB);
  progress.stop();
  t.equal(written(), '');
});

async function frame(args: string[], isTTY: boolean) {
  const stderr = Object.assign(new PassThrough(), { isTTY, columns: 80 });
  const clock = new ManualClock();
  const program = makeProgram({ stdin: new PassThrough(), stdout: new PassThrough(), stderr, clock, random: seededRandom(1), env: {}, signal: new AbortController().signal });
  program.command.action(() => undefined);
  await program.run(args);
  return { context: program.context, clock, written: () => String(stderr.read() ?? '') };
}
