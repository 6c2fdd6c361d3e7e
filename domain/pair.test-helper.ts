/** Two domains that know each other, with one test gateway between them: north.example (ann) and south.example (bo). */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../base/clock.js';
import type { Clock } from '../base/clock.js';
import { systemRandom } from '../base/random.js';
import { Domain, createDomain } from './domain.js';
import type { DomainDeps } from './domain.js';
import type { DomainEvent } from './events.js';
import { TestGateway } from './gateway.test-helper.js';
import type { RunOptions } from './run.js';

interface TestCase {
  testdir(content: Record<string, string>): string;
  teardown(action: () => unknown): void;
}

export interface Pair {
  readonly dir: string;
  readonly northDir: string;
  readonly southDir: string;
  readonly gateway: TestGateway;
  /** Opened anew, as another process would; events are collected in `events`. */
  north(events?: DomainEvent[]): Promise<Domain>;
  south(events?: DomainEvent[]): Promise<Domain>;
}

export async function makePair(t: TestCase, options: { tls?: boolean; content?: Record<string, string>; clock?: Clock } = {}): Promise<Pair> {
  // Said before `testdir`, whose folder would otherwise be removed before the domains in it have stopped.
  const opened: Domain[] = [];
  t.teardown(() => opened.forEach((domain) => domain.close()));
  const dir = t.testdir(options.content ?? {});
  const northDir = join(dir, 'north');
  const southDir = join(dir, 'south');
  const gateway = await new TestGateway(7, options.tls ?? true).start();
  t.teardown(() => gateway.close());
  const deps = (events?: DomainEvent[]): DomainDeps => ({ clock: options.clock ?? systemClock, random: systemRandom, onEvent: (event) => void events?.push(event) });
  const open = async (home: string, events?: DomainEvent[]): Promise<Domain> => {
    const domain = await Domain.open(home, deps(events));
    opened.push(domain);
    return domain;
  };
  for (const [home, name, user] of [
    [northDir, 'north.example', 'ann'],
    [southDir, 'south.example', 'bo'],
  ] as const) {
    await createDomain(home, { name, listenHost: '127.0.0.1', listenPort: 0, endpoints: [{ host: '127.0.0.1', udpPort: 4557 }] }, deps());
    const domain = await open(home);
    await domain.addUser(user);
    await domain.addGateway(gateway.card());
  }
  const [north, south] = [await open(northDir), await open(southDir)];
  await north.learn(south.card());
  await south.learn(north.card());
  gateway.addClient(north.card());
  gateway.addClient(south.card());
  return { dir, northDir, southDir, gateway, north: (events) => open(northDir, events), south: (events) => open(southDir, events) };
}

/** Changes what `domain.json` says, as its owner would: for the next `open`. */
export function editConfig(home: string, change: (config: { knock: Record<string, unknown> } & Record<string, unknown>) => void): void {
  const file = join(home, 'domain.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as { knock: Record<string, unknown> } & Record<string, unknown>;
  change(config);
  writeFileSync(file, JSON.stringify(config));
}

/** A domain at work, until `stop`. */
export interface Running {
  readonly port: number;
  readonly events: DomainEvent[];
  /** Resolves with the first event of this kind that has come or comes. */
  until<K extends DomainEvent['kind']>(kind: K, after?: number): Promise<DomainEvent & { kind: K }>;
  stop(): Promise<void>;
}

export async function runInTest(t: TestCase, open: (events: DomainEvent[]) => Promise<Domain>, options: Partial<RunOptions> = {}): Promise<Running> {
  const events: DomainEvent[] = [];
  const domain = await open(events);
  const stopping = new AbortController();
  const done = domain.run({ accept: true, onRequest: false, ...options }, stopping.signal);
  const ended = done.then(
    () => stopping.abort(),
    (thrown: unknown) => {
      stopping.abort();
      throw thrown;
    },
  );
  const until = async <K extends DomainEvent['kind']>(kind: K, after = 0): Promise<DomainEvent & { kind: K }> => {
    for (;;) {
      const found = events.slice(after).find((event): event is DomainEvent & { kind: K } => event.kind === kind);
      if (found !== undefined) return found;
      if (stopping.signal.aborted) throw new Error(`it ended without ${kind}`);
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 5))]);
    }
  };
  const stop = async (): Promise<void> => {
    stopping.abort();
    await done;
    domain.close();
  };
  t.teardown(stop);
  const { port } = await until('listening');
  return { port, events, until, stop };
}

export const never = new AbortController().signal;
