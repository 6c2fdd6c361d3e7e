/**
 * Which test tries what on which link: cut in the middle, resumed without sending again what has arrived, copies, another order, either
 * end killed, and a neighbour that is away for a month. Each kind runs the suite of faults; where it passes one over, another test does
 * it a floor higher, or there is a reason why nobody does. Whether they were tried says tests-tried.ts.
 */

/** By the titles that links/fault.suite.ts gives them. */
export const FAULTS = {
  cut: 'what is cut in the middle comes whole afterwards, and once',
  resume: 'what came across before a cut is not sent again',
  copies: 'copies of everything bring nothing twice',
  order: 'what overtakes something on the way harms nothing',
  'far restart': 'the far end is killed in the middle, and what it was getting comes whole and once',
  'near restart': 'the near end is killed in the middle, and what it was sending comes whole and once',
  month: 'a neighbour that is gone for a month costs little, and is found again',
} as const;

export type Fault = keyof typeof FAULTS;

/** A test, by its file and words of its title; or why there is none. */
export type Tried = readonly [file: string, title: string] | string;

export const SUITE = 'links/fault.suite.ts';
const ONE_STREAM = 'one stream on one connection: it has one order, and no copies';
const IN_PIECES: Tried = ['gateway/gateway.test.ts', 'after a cut only what is missing goes again'];
const KNOWN_AGAIN: Tried = ['proofs/lying-peers.test.ts', 'a batch played again changes nothing, whoever plays it'];

/** Where a kind runs the suite, and what stands in for the faults that it passes over. */
export const SUITES: Readonly<Record<string, { readonly file: string; readonly instead: Readonly<Partial<Record<Fault, Tried>>> }>> = {
  https: { file: 'links/https/https-link.test.ts', instead: { resume: IN_PIECES, copies: ONE_STREAM, order: ONE_STREAM } },
  tcpcl: { file: 'links/tcpcl/tcpcl-link.test.ts', instead: { resume: IN_PIECES, copies: ONE_STREAM, order: ONE_STREAM } },
  ltp: { file: 'links/ltp/ltp-faults.test.ts', instead: {} },
  burst: { file: 'links/burst/burst-link.test.ts', instead: {} },
  broadcast: { file: 'links/broadcast/broadcast-faults.test.ts', instead: {} },
  command: { file: 'links/command/command-link.test.ts', instead: { resume: IN_PIECES, copies: KNOWN_AGAIN, order: 'files are whole bundles, and bundles know no order' } },
  sim: { file: 'sim/sim-link.test.ts', instead: { resume: IN_PIECES, copies: KNOWN_AGAIN } },
};

/** A stick is no line that two ends are on at the same time: a visit to it is tried instead. */
const USB: Readonly<Record<Fault, Tried>> = {
  cut: ['gateway/stick-hostile.test.ts', 'or is pulled out, changes nothing; the next visit does it all'],
  resume: ['gateway/stick-service.test.ts', 'what is on a stick already is not written again'],
  copies: ['gateway/stick-service.test.ts', 'the same stick twice brings nothing twice'],
  order: 'a stick is imported whole, and sticks know no order',
  'far restart': ['gateway/stick-hostile.test.ts', 'or is pulled out, changes nothing; the next visit does it all'],
  'near restart': ['links/usb/stick.test.ts', 'a power cut at any step leaves every file whole or absent'],
  month: ['gateway/stick-service.test.ts', 'a lost stick is made up for'],
};

const bySuite = Object.entries(SUITES).map(([kind, { file, instead }]) => [kind, Object.fromEntries(Object.entries(FAULTS).map(([fault, title]) => [fault, instead[fault as Fault] ?? ([file, title] as const)])) as Record<Fault, Tried>] as const);

export const MATRIX: Readonly<Record<string, Readonly<Record<Fault, Tried>>>> = { ...Object.fromEntries(bySuite), usb: USB };
