/** What all `postern domain` commands share: where the domain lives, and opening and closing it around the work. */
import { Domain } from '../domain/domain.js';
import type { DomainDeps } from '../domain/domain.js';
import type { DomainEvent } from '../domain/events.js';
import type { CliContext, Command } from './program.js';

export interface HomeOption {
  readonly home?: string;
}

/** `--home` on the command itself; `--data` before it does the same. */
export function withHome(command: Command): Command {
  return command.option('--home <dir>', 'the folder of the domain (default: --data, $POSTERN_HOME, or "domain" here)');
}

export function homeOf(context: CliContext, options: HomeOption): string {
  return options.home ?? context.dataDir ?? context.env.POSTERN_HOME ?? 'domain';
}

export function depsOf(context: CliContext, onEvent?: (event: DomainEvent) => void): DomainDeps {
  return { clock: context.clock, random: context.random, ...(onEvent !== undefined && { onEvent }) };
}

/** Opens the domain, works with it, and closes it whatever happened. */
export async function inDomain<T>(context: CliContext, options: HomeOption, work: (domain: Domain) => Promise<T>, onEvent?: (event: DomainEvent) => void): Promise<T> {
  const domain = await Domain.open(homeOf(context, options), depsOf(context, onEvent ?? tellTrouble(context)));
  try {
    return await work(domain);
  } finally {
    domain.close();
  }
}

/** Faults that do not end the command are told as remarks. */
function tellTrouble(context: CliContext): (event: DomainEvent) => void {
  return (event) => {
    if (event.kind === 'trouble') context.output.note(troubleText(event));
  };
}

export function troubleText(event: DomainEvent & { kind: 'trouble' }): string {
  return `${event.what}: ${event.thrown instanceof Error ? event.thrown.message : String(event.thrown)}`;
}
