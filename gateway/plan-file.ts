/** Plan: the contact plan that the configuration names, from its file, with the numbers that this gateway and its neighbours have in it. */
import { readFile } from 'node:fs/promises';
import { PosternError, messageOf } from '../base/errors.js';
import type { PlanContact } from '../plan/contact-plan.js';
import { readHdtnPlan } from '../plan/hdtn-plan.js';
import { readIonPlan } from '../plan/ion-plan.js';
import type { GatewayConfig } from './config.js';
import { ipnNumber } from './node-endpoint.js';

/** The plan as this gateway sees it. */
export interface OwnPlan {
  readonly contacts: readonly PlanContact[];
  readonly here: number;
  /** Node numbers by the names of neighbours. */
  readonly nodes: ReadonlyMap<string, number>;
}

/** Undefined where the configuration names no plan. */
export async function readOwnPlan(config: GatewayConfig, nowMs: number, tell: (note: string) => void): Promise<OwnPlan | undefined> {
  if (config.plan === undefined) return undefined;
  const { file, startsAt = nowMs } = config.plan;
  const text = await readFile(file, 'utf8').catch((thrown: unknown) => {
    throw new PosternError('CONFIG_UNREADABLE', `${file}, the contact plan, cannot be read: ${messageOf(thrown)}.`, { file, reason: messageOf(thrown) }, { cause: thrown });
  });
  // No command of ionadmin begins with a brace.
  const plan = text.trimStart().startsWith('{') ? readHdtnPlan(text, { file, startMs: startsAt }) : readIonPlan(text, { file, referenceMs: startsAt });
  for (const note of plan.notes) tell(note);
  return ownPlan(config, plan.contacts);
}

export function ownPlan(config: GatewayConfig, contacts: readonly PlanContact[]): OwnPlan {
  const nodes = new Map<string, number>();
  for (const peer of config.peers) {
    const node = config.plan?.nodes[peer.name] ?? ipnNumber(peer.nodeId);
    if (node !== undefined) nodes.set(peer.name, node);
  }
  return { contacts, here: config.plan?.node ?? ipnNumber(config.gateway.nodeId) ?? 0, nodes };
}

/** The contacts of a link that follows the plan. */
export function plannedContacts(plan: OwnPlan | undefined, peer: string): readonly PlanContact[] {
  const node = plan?.nodes.get(peer);
  return plan === undefined || node === undefined ? [] : plan.contacts.filter((contact) => contact.from === plan.here && contact.to === node);
}
