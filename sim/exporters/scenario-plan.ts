/** The contact plan of a scenario, for planners of other makes: its links and couriers, with windows, rates and light times as the simulator has them. */
import { inPlanOrder, MOST_CONTACTS } from '../../plan/contact-plan.js';
import type { ContactPlan, ExportedPlan, PlanContact } from '../../plan/contact-plan.js';
import { writeHdtnPlan } from '../../plan/hdtn-plan.js';
import { writeIonPlan } from '../../plan/ion-export.js';
import type { ChannelModel } from '../channel.js';
import { flattened } from '../importers/contacts-scenario.js';
import type { ImportedContact } from '../importers/imported.js';
import type { Scenario } from '../scenario-schema.js';
import { courierModel, wayModel } from '../way-model.js';
import { contactPlan } from '../windows.js';

const US_PER_MS = 1000;
const BITS_PER_BYTE = 8;
/** Formats have one light time and one rate a contact: where they change, a long contact becomes several. */
const LONGEST_MS = 86_400_000;
/** Mars moves by less than a tenth of a light second in that time. */
const STEADY_MS = 3_600_000;

export interface ScenarioPlan extends ContactPlan {
  /** The numbers of the nodes in the plan. */
  readonly numbers: ReadonlyMap<string, number>;
}

/** @param days only so many from the start */
export function planOf(scenario: Scenario, days = Number.POSITIVE_INFINITY): ScenarioPlan {
  const numbers = numbersOf(Object.keys(scenario.nodes));
  const endMs = scenario.starts + Math.min((scenario.lasts + scenario.settles) / US_PER_MS, days * LONGEST_MS);
  const ways = new Map<string, ImportedContact[]>();
  let count = 0;
  const notes: string[] = [];
  const add = (from: string, to: string, model: ChannelModel, name: string): void => {
    const source = contactPlan(model, scenario.starts);
    const own = ways.get(`${from} ${to}`) ?? [];
    ways.set(`${from} ${to}`, own);
    const pieceMs = isSteady(model, scenario.starts, endMs) ? Number.POSITIVE_INFINITY : STEADY_MS;
    for (let contact = source.at(scenario.starts) ?? source.next(scenario.starts); contact !== undefined && contact.startMs < endMs; contact = source.next(contact.startMs)) {
      const closesMs = Math.min(contact.endMs, endMs);
      for (let ms = Math.max(contact.startMs, scenario.starts); ms < closesMs; ms += pieceMs) {
        if (count === MOST_CONTACTS) {
          notes.push(`${name}: the plan ends after ${MOST_CONTACTS} contacts`);
          return;
        }
        count += 1;
        const { rateBytesPerSec, lightTimeMs } = source.at(ms) ?? contact;
        const [startSec, endSec] = [ms, Math.min(closesMs, ms + pieceMs)].map((at) => (at - scenario.starts) / 1000) as [number, number];
        own.push({ from, to, startSec, endSec, bitsPerSec: rateBytesPerSec * BITS_PER_BYTE, delaySec: lightTimeMs / 1000, lost: model.windowLossProbability });
      }
    }
  };
  for (const link of scenario.links) {
    const [a, b] = link.between;
    add(a, b, wayModel(link, 'there', scenario.starts), `${a} to ${b}`);
    add(b, a, wayModel(link, 'back', scenario.starts), `${b} to ${a}`);
  }
  for (const courier of scenario.couriers) {
    const [a, b] = courier.between;
    add(a, b, courierModel(courier, 'there'), `${a} to ${b}`);
    add(b, a, courierModel(courier, 'back'), `${b} to ${a}`);
  }
  const contacts = [...ways].flatMap(([way, own]) => {
    const { spells, overlaps } = flattened(own);
    const [from = '', to = ''] = way.split(' ');
    if (overlaps > 0) notes.push(`${from} to ${to}: several links, of which the fastest counts at each time`);
    return spells.map(({ startSec, endSec, bitsPerSec = 0, delaySec = 0, lost = 0 }): PlanContact => ({
      from: numbers.get(from) ?? 0,
      to: numbers.get(to) ?? 0,
      startMs: scenario.starts + Math.round(startSec * 1000),
      endMs: scenario.starts + Math.round(endSec * 1000),
      rateBytesPerSec: bitsPerSec / BITS_PER_BYTE,
      lightTimeMs: Math.round(delaySec * 1000),
      confidence: 1 - lost,
    }));
  });
  return { contacts: inPlanOrder(contacts), unscheduled: [], notes, numbers };
}

export function exportScenario(scenario: Scenario, format: 'ion' | 'hdtn', { days, milliseconds }: { readonly days?: number; readonly milliseconds?: boolean }): ExportedPlan {
  const plan = planOf(scenario, days);
  const named = [...plan.numbers].map(([name, number]) => `node ${number} is ${name}`);
  const { text, notes } = format === 'ion' ? writeIonPlan(plan, milliseconds) : writeHdtnPlan(plan, scenario.starts);
  const head = format === 'ion' ? named.map((line) => `# ${line}\n`).join('') : '';
  return { text: head + text, notes: [...named, ...plan.notes, ...notes] };
}

/** n5 is node 5, as the importers have it; the others get the numbers that are left, from 1 on. */
function numbersOf(names: readonly string[]): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const name of names) {
    const [, digits] = /^n([1-9]\d{0,8})$/.exec(name) ?? [];
    if (digits !== undefined) numbers.set(name, Number(digits));
  }
  const taken = new Set(numbers.values());
  let next = 1;
  for (const name of names) {
    if (numbers.has(name)) continue;
    while (taken.has(next)) next += 1;
    numbers.set(name, next);
    taken.add(next);
  }
  return numbers;
}

/** Rate and light time are the same all the time. */
function isSteady(model: ChannelModel, startMs: number, endMs: number): boolean {
  if (model.pace !== undefined) return false;
  const lengthUs = (endMs - startMs) * US_PER_MS;
  const first = model.delayUs(0);
  return [0.1, 0.37, 0.5, 0.81, 1].every((share) => model.delayUs(share * lengthUs) === first);
}
