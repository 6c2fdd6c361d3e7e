/** Scenarios from files of others, by the name of the format. */
import { importAsabr } from './asabr-plan.js';
import { importCcm } from './ccm-plan.js';
import { importHdtn, importIon } from './contact-plans.js';
import type { Imported, ImportInput, ImportTerms } from './imported.js';
import { importMahimahi } from './mahimahi-trace.js';
import { importNetem } from './netem-arguments.js';
import { importOne } from './one-events.js';
import { scenarioText } from './scenario-text.js';
import { importStarlink } from './starlink-history.js';
import { importTle } from './tle-passes.js';
import { importTvg } from './tvg-plan.js';

interface Format {
  /** For people. */
  readonly what: string;
  readonly mostFiles: number;
  read(inputs: readonly [ImportInput, ...ImportInput[]], terms: ImportTerms): Imported;
}

export const IMPORTS = {
  ion: { what: "ION's ionrc: contacts and ranges", mostFiles: 1, read: ([input], terms) => importIon(input, terms) },
  hdtn: { what: "HDTN's contact plan, JSON", mostFiles: 1, read: ([input], terms) => importHdtn(input, terms) },
  'a-sabr': { what: "A-SABR's contact plan", mostFiles: 1, read: ([input]) => importAsabr(input) },
  tvg: { what: "dtn-tvg-util's graph, JSON", mostFiles: 1, read: ([input]) => importTvg(input) },
  ccm: { what: 'the contact plan manager of CORE', mostFiles: 1, read: ([input]) => importCcm(input) },
  one: { what: 'events of the ONE: connections, messages', mostFiles: 16, read: (inputs, terms) => importOne(inputs, terms) },
  starlink: { what: 'get_history of a Starlink dish, JSON', mostFiles: 1, read: ([input]) => importStarlink(input) },
  mahimahi: { what: 'a trace of Mahimahi, or one up and one down', mostFiles: 2, read: (inputs) => importMahimahi(inputs) },
  tle: { what: 'two-line elements, and stations (name,latitude,longitude,metres)', mostFiles: 2, read: (inputs) => importTle(inputs) },
  netem: { what: 'what is given to netem, in quotes', mostFiles: 1, read: ([input]) => importNetem(input.text) },
} satisfies Record<string, Format>;

export type ImportFormat = keyof typeof IMPORTS;

/** The scenario as a file, with what was left out at its head. */
export function importScenario(format: ImportFormat, inputs: readonly [ImportInput, ...ImportInput[]], terms: ImportTerms): { readonly text: string; readonly notes: readonly string[] } {
  const { scenario, notes } = (IMPORTS[format] as Format).read(inputs, terms);
  return { text: scenarioText(scenario, [`Made by postern sim import ${format}.`, ...notes]), notes };
}
