/** Runs one step of a contestant as a process of its own and watches what it takes: wall clock, CPU, memory, bytes written. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface StepCost {
  readonly wallSec: number;
  readonly cpuSec: number;
  readonly peakRssBytes: number;
  /** Handed to write calls, whatever the file system does with them. */
  readonly writtenBytes: number;
}

const LOOKED_EVERY_MS = 5;
const TICKS_A_SECOND = 100;

/** Every sync takes 10 ms longer, as on an SD card. */
export const SLOW_SYNC = ['strace', '-f', '--seccomp-bpf', '-o', '/dev/null', '-e', 'trace=fsync,fdatasync', '-e', 'inject=fsync,fdatasync:delay_exit=10000'];

export async function runStep(command: readonly string[], under: readonly string[] = [], stdin?: string): Promise<StepCost> {
  const [program = '', ...args] = [...under, ...command];
  const start = performance.now();
  const child = spawn(program, args, { stdio: [stdin === undefined ? 'ignore' : 'pipe', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  child.stdin?.end(stdin);
  let seen = { cpuSec: 0, peakRssBytes: 0, writtenBytes: 0 };
  // What stands in front of a command is not its cost.
  const pidOf = (): number | undefined => (under.length === 0 ? child.pid : childOf(child.pid ?? 0));
  const watch = setInterval(() => (seen = look(pidOf() ?? 0) ?? seen), LOOKED_EVERY_MS);
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  clearInterval(watch);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${String(code)}: ${errors}`);
  return { ...seen, wallSec: (performance.now() - start) / 1000 };
}

function childOf(pid: number): number | undefined {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter((word) => word !== '');
    return child === undefined ? undefined : Number(child);
  } catch {
    return undefined;
  }
}

/** Undefined when the process has just gone. */
function look(pid: number): Omit<StepCost, 'wallSec'> | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    const written = /wchar: (\d+)/.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1];
    if (peak === undefined || written === undefined) return undefined;
    return { cpuSec: (Number(stat[11]) + Number(stat[12])) / TICKS_A_SECOND, peakRssBytes: Number(peak) * 1024, writtenBytes: Number(written) };
  } catch {
    return undefined;
  }
}

export function sumOf(steps: readonly StepCost[]): StepCost {
  const add = (pick: (step: StepCost) => number): number => steps.reduce((sum, step) => sum + pick(step), 0);
  return { wallSec: add((step) => step.wallSec), cpuSec: add((step) => step.cpuSec), peakRssBytes: Math.max(...steps.map((step) => step.peakRssBytes)), writtenBytes: add((step) => step.writtenBytes) };
}
