/**
 * The domain at work: it listens for knocks, fetches and delivers, tells what was accepted, hands over what is
 * waiting, and asks its gateways for news. Two loops, each over state on disk; both may be stopped at any instant.
 */
import { resolve } from 'node:path';
import { tellAccepted } from './accept.js';
import { Alarm } from './alarm.js';
import { Collector } from './collect.js';
import { nowSec } from './context.js';
import type { DomainContext } from './context.js';
import { sweepParts } from './fetch.js';
import { contentFile, handOut } from './hand-out.js';
import { listInbox } from './inbox.js';
import type { InboxEntry } from './inbox.js';
import { KnockListener } from './listen.js';
import { PendingTable } from './pending.js';
import { poll } from './poll.js';
import { submitDue } from './submit.js';

export interface RunOptions {
  /** Accept whatever is delivered. Without it messages wait in the inbox for `accept`. */
  readonly accept: boolean;
  /** Fetch also from senders whose pull preference is `on-request`. */
  readonly onRequest: boolean;
  /** Where the content of messages goes; it stays in the inbox without it. */
  readonly outDir?: string;
  /** Ends after so many deliveries. */
  readonly count?: number;
}

/** A pass that failed is tried again after this, whatever else happens. */
const PAUSE_AFTER_FAULT_MS = 5000;

export async function runDomain(context: DomainContext, options: RunOptions, signal: AbortSignal): Promise<void> {
  const enough = new AbortController();
  const until = AbortSignal.any([signal, enough.signal]);
  const onBroken = (thrown: unknown): void => context.report({ kind: 'trouble', what: 'a file of the domain', thrown });
  const table = await PendingTable.open(context.home, context.config.knock.mostPending, onBroken);
  // What a crash left in the inbox is handed out like what is delivered now.
  const arrived = options.outDir === undefined ? [] : await listInbox(context.home, onBroken);
  const stirred = new Alarm(context.clock);
  const collector = new Collector(context, table, { ...options, onDelivered: (entry) => void arrived.push(entry), onFree: () => stirred.ring() });
  const listener = new KnockListener(context, async (knock) => {
    await collector.hear(knock);
    stirred.ring();
  });
  let count = 0;
  const collect = async (): Promise<number> => {
    await collector.startDue(until);
    count += await handOutAll(context, arrived, options.outDir);
    await tellAccepted(context, until);
    if (options.count !== undefined && count >= options.count) enough.abort();
    return (collector.nextSec() - nowSec(context)) * 1000;
  };
  const talk = async (): Promise<number> => {
    await submitDue(context, until);
    await poll(context, until);
    return Infinity;
  };
  const port = await listener.start();
  // With the port, nobody else is at work here.
  await sweepParts(context.home);
  context.report({ kind: 'listening', host: context.config.knock.listenHost, port });
  try {
    await Promise.all([repeat(context, collect, stirred, until), repeat(context, talk, new Alarm(context.clock), until)]);
  } finally {
    await listener.stop();
    await collector.done();
    // What came in while the last pass was ending may have been accepted already: people get it now, not with the next start. Who wanted so many gets so many.
    if (!enough.signal.aborted) await handOutAll(context, arrived, options.outDir);
  }
}

/** Takes out of `arrived` what people have now, and gives how much that was. What could not be handed out stays for the next pass. */
async function handOutAll(context: DomainContext, arrived: InboxEntry[], outDir: string | undefined): Promise<number> {
  let count = 0;
  const left: InboxEntry[] = [];
  for (const entry of arrived.splice(0)) {
    try {
      const path = outDir === undefined ? contentFile(entry.dir) : await handOut(entry.dir, entry.facts.name, resolve(outDir));
      if (path === undefined) continue;
      count += 1;
      context.report({ kind: 'delivered', entry, path });
    } catch (thrown) {
      left.push(entry);
      context.report({ kind: 'trouble', what: `handing out ${entry.facts.name}`, thrown });
    }
  }
  arrived.push(...left);
  return count;
}

/** Again and again: when its own result says so, when the alarm rings, and at least as often as gateways are polled. */
async function repeat(context: DomainContext, pass: () => Promise<number>, alarm: Alarm, until: AbortSignal): Promise<void> {
  const mostMs = context.config.pollSeconds * 1000;
  while (!until.aborted) {
    let waitMs: number;
    try {
      waitMs = await pass();
    } catch (thrown) {
      context.report({ kind: 'trouble', what: 'this pass', thrown });
      waitMs = PAUSE_AFTER_FAULT_MS;
    }
    await alarm.wait(Math.min(Math.max(waitMs, 0), mostMs), until);
  }
}
