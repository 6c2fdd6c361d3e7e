/** A link of a scenario as a relay imposes it: its two ways, and what was changed of them since. */
import { PosternError } from '../base/errors.js';
import type { ChannelModel } from './channel.js';
import type { RelayTime } from './relay-time.js';
import { RelayWay } from './relay-way.js';
import type { WayLimits } from './relay-way.js';
import type { LinkPlan, Scenario, WayPlan } from './scenario-schema.js';
import type { Streams } from './streams.js';
import { wayModel } from './way-model.js';

export interface RelayLink {
  readonly name: string;
  readonly plan: LinkPlan;
  /** By the node that each leads to. */
  readonly ways: ReadonlyMap<string, RelayLinkWay>;
}

export interface RelayLinkWay {
  readonly side: 'there' | 'back';
  readonly way: RelayWay;
  changed: WayPlan;
}

/** Throws GATEWAY_NO_LINK. */
export function makeRelayLink(scenario: Scenario, name: string, time: RelayTime, streams: Streams, limits: WayLimits): RelayLink {
  const named = new Map(scenario.links.map((plan) => [plan.name ?? plan.between.join('-'), plan]));
  const plan = named.get(name);
  if (plan === undefined) throw noLink(name, [...named.keys()]);
  const [a, b] = plan.between;
  const way = (side: 'there' | 'back', from: string, to: string): [string, RelayLinkWay] => [
    to,
    { side, way: new RelayWay(`${name} ${from}>${to}`, modelOf(plan, side, {}, scenario), time, streams.named(`link/${name}/${from}`), limits), changed: {} },
  ];
  return { name, plan, ways: new Map([way('there', a, b), way('back', b, a)]) };
}

export function modelOf(plan: LinkPlan, side: 'there' | 'back', changed: WayPlan, { starts }: Scenario): ChannelModel {
  return wayModel({ ...plan, [side]: { ...plan[side], ...changed } }, side, starts);
}

export function waysOf(link: RelayLink, towards: string | undefined): RelayLinkWay[] {
  return towards === undefined ? [...link.ways.values()] : [wayTowards(link, towards)];
}

export function wayTowards(link: RelayLink, towards: string): RelayLinkWay {
  const found = link.ways.get(towards);
  if (found === undefined) throw new PosternError('GATEWAY_NO_LINK', `${link.name} does not lead to ${towards}, but to ${[...link.ways.keys()].join(' and ')}.`, { link: `${link.name}:${towards}` });
  return found;
}

export function noLink(link: string, names: readonly string[]): PosternError<'GATEWAY_NO_LINK'> {
  return new PosternError('GATEWAY_NO_LINK', `There is no link ${link}. There is ${names.length === 0 ? 'none at all' : names.join(', ')}.`, { link });
}
