/** Has the trials of stick-file-systems.suite.ts run on one file system in a guest, and tells of each. Skipped by name where there is no guest. */
import path from 'node:path';
import process from 'node:process';
import t from 'tap';
import { bootGuest, whyNoGuest } from './stick-guest.test-helper.js';
import type { FileSystem } from './stick-volume.test-helper.js';

const SUITE = path.join(import.meta.dirname, 'stick-file-systems.suite.js');
/** POSTERN_STICK_STEPS=1: pulled out at each step of writing, which takes a minute. */
const every = Number(process.env.POSTERN_STICK_STEPS ?? 6);

export function tryStick(kind: FileSystem): void {
  t.test(`a stick with ${kind}`, { skip: whyNoGuest(), timeout: 300_000 }, async (t) => {
    const guest = bootGuest(t, `TAP_TIMEOUT=280 ${process.execPath} ${SUITE} ${kind} ${every}`);
    await guest.ended;
    if (guest.output() === '') {
      t.pass('the guest did not come up', { skip: 'user-mode Linux does not start on this machine' });
      return;
    }
    const lines = guest.output().split('\n');
    t.ok(lines.includes("# the guest's command ended with 0"), 'the guest ran all trials');
    for (const trial of lines.filter((line) => /^(not )?ok /.test(line) && !line.includes('# SKIP'))) {
      const [name = ''] = trial.replace(/^(not )?ok \d+ - /, '').split(' # ');
      t.ok(trial.startsWith('ok'), name);
    }
    if (!t.passing()) t.comment(guest.output());
  });
}
