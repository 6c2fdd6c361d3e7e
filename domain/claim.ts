/**
 * One process at a time hands a message over: a `send` and the `receive` beside it would otherwise both upload it. A
 * claim says which process has it in hand; that of a process that is gone does not count. Two that get past this
 * at the same instant do no harm: a gateway takes a message once.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { codeOf, isAnotherProcess } from '../base/durable-file.js';

/** Folders that this process has claimed: in a container an earlier process may have had our number. */
const ours = new Set<string>();

/** False when another process has it in hand, or when the folder has gone. */
export async function claim(dir: string): Promise<boolean> {
  if (ours.has(dir)) return false;
  ours.add(dir);
  let taken = false;
  try {
    taken = await takeClaim(dir);
  } finally {
    if (!taken) ours.delete(dir);
  }
  return taken;
}

export async function release(dir: string): Promise<void> {
  await rm(claimFile(dir), { force: true });
  ours.delete(dir);
}

/** Whether anybody has it in hand now. */
export async function isClaimed(dir: string): Promise<boolean> {
  return ours.has(dir) || (await isHeldByAnother(dir));
}

async function takeClaim(dir: string): Promise<boolean> {
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      await writeFile(claimFile(dir), `${process.pid} ${await startOf(process.pid)}`, { flag: 'wx', mode: 0o600 });
      return true;
    } catch (thrown) {
      if (codeOf(thrown) === 'ENOENT') return false;
      if (codeOf(thrown) !== 'EEXIST') throw thrown;
    }
    if (await isHeldByAnother(dir)) return false;
    await rm(claimFile(dir), { force: true });
  }
  return false;
}

async function isHeldByAnother(dir: string): Promise<boolean> {
  try {
    const [pid, start] = (await readFile(claimFile(dir), 'utf8')).split(' ');
    return isAnotherProcess(Number(pid)) && (await startOf(Number(pid))) === start;
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return false;
    throw thrown;
  }
}

/** When a process began, in ticks since the system did: numbers are given out again, with this they are not. Linux only; elsewhere the number has to do. */
async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may hold anything; field 22 is the 20th after it (proc(5)).
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function claimFile(dir: string): string {
  return join(dir, 'claim');
}
