/**
 * Network namespaces joined by cables, made and taken away with iproute2: machines of their own, as far as the network goes. Needs root.
 * What a process before has left behind, killed as it was, is taken away first.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import process from 'node:process';

const PREFIX = 'postern-';

/** A cable between two namespaces, with the addresses of its ends: `[namespace, address/prefix length]`. */
export type Cable = readonly [one: readonly [string, string], other: readonly [string, string]];

export class NetNamespaces {
  readonly #names: ReadonlyMap<string, string>;

  /** Throws, and leaves nothing behind, where they cannot be made. */
  constructor(names: readonly string[], cables: readonly Cable[]) {
    sweep();
    this.#names = new Map(names.map((name) => [name, `${PREFIX}${process.pid}-${name}`]));
    process.once('exit', this.remove);
    try {
      for (const name of this.#names.values()) {
        ip('netns', 'add', name);
        ip('-n', name, 'link', 'set', 'lo', 'up');
      }
      for (const [number, [one, other]] of cables.entries()) {
        const ends = [one, other].map(([name, address], end) => ({ device: `end${number}${'ab'[end]}`, name: this.#real(name), address }));
        ip('link', 'add', ends[0]!.device, 'netns', ends[0]!.name, 'type', 'veth', 'peer', 'name', ends[1]!.device, 'netns', ends[1]!.name);
        for (const { device, name, address } of ends) {
          ip('-n', name, 'address', 'add', address, 'dev', device);
          ip('-n', name, 'link', 'set', device, 'up');
        }
      }
    } catch (thrown) {
      this.remove();
      throw thrown;
    }
  }

  /** The words before a command that put it into a namespace. Of everything but the network it sees what we see. */
  inside(name: string): string[] {
    return ['nsenter', `--net=/run/netns/${this.#real(name)}`];
  }

  /** Safe to call twice. Whatever runs in them has to be stopped before. */
  remove = (): void => {
    process.off('exit', this.remove);
    for (const name of this.#names.values()) if (existsSync(`/run/netns/${name}`)) spawnSync('ip', ['netns', 'del', name]);
  };

  #real(name: string): string {
    return this.#names.get(name) as string;
  }
}

/** Why they cannot be made here; undefined where they can. */
export function whyNoNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  for (const [program, option, where] of [['ip', '-V', 'iproute2'], ['nsenter', '-V', 'util-linux']] as const) {
    if (spawnSync(program, [option]).error !== undefined) return `${program} is not installed (${where})`;
  }
  try {
    new NetNamespaces(['try-a', 'try-b'], [[['try-a', '10.254.254.1/30'], ['try-b', '10.254.254.2/30']]]).remove();
    return undefined;
  } catch (thrown) {
    return `network namespaces cannot be made: ${String(thrown)}`;
  }
}

function sweep(): void {
  const { stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  for (const [name, pid] of (stdout ?? '').matchAll(new RegExp(`^${PREFIX}(\\d+)-\\S+`, 'gm'))) {
    if (!existsSync(`/proc/${pid ?? ''}`)) spawnSync('ip', ['netns', 'del', name]);
  }
}

function ip(...args: string[]): void {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
}
