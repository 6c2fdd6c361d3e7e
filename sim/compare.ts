/** Two variants on the same seeds: the same traffic and the same luck, so that what differs is the variant. */
import { meanOf } from './statistics.js';
import type { Bounds } from './statistics.js';
import type { RunFigures, SweepRun } from './sweep-run.js';

export const COMPARE_FORMAT = 'postern-sim-compare/1';

export type ComparedMeasure = 'deliveredShare' | 'p50Sec' | 'p99Sec' | 'overhead' | 'mostBytes' | 'money';

interface Meaning {
  readonly measure: ComparedMeasure;
  /** Where B has more of it, B is worse; deliveries are the other way about. */
  readonly isBetterLow: boolean;
  readonly more: string;
  readonly less: string;
  readonly same: string;
}

const MEANINGS: readonly Meaning[] = [
  { measure: 'deliveredShare', isBetterLow: false, more: 'delivers more', less: 'delivers less', same: 'deliveries' },
  { measure: 'p50Sec', isBetterLow: true, more: 'is slower in the median', less: 'is faster in the median', same: 'the median delay' },
  { measure: 'p99Sec', isBetterLow: true, more: 'has slower stragglers', less: 'has faster stragglers', same: 'the delay of the last hundredth' },
  { measure: 'overhead', isBetterLow: true, more: 'sends more for each byte delivered', less: 'sends less for each byte delivered', same: 'bytes sent' },
  { measure: 'mostBytes', isBetterLow: true, more: 'needs more room', less: 'needs less room', same: 'room' },
  { measure: 'money', isBetterLow: true, more: 'costs more', less: 'costs less', same: 'cost' },
];

export type Judgement = 'better' | 'worse' | 'no difference shown' | 'the same';

export interface Difference {
  readonly measure: ComparedMeasure;
  readonly a: number;
  readonly b: number;
  /** B less A, seed by seed: the mean and Student's bounds. */
  readonly difference: Bounds;
  /** Seeds in which B had more, and less. */
  readonly more: number;
  readonly less: number;
  readonly judgement: Judgement;
}

export interface Comparison {
  readonly format: typeof COMPARE_FORMAT;
  readonly a: string;
  readonly b: string;
  readonly seeds: number;
  readonly confidence: 0.95;
  readonly passed: { readonly both: number; readonly onlyA: number; readonly onlyB: number; readonly neither: number };
  readonly differences: readonly Difference[];
  /** In words. */
  readonly verdict: string;
}

export function compareRuns(a: string, b: string, runs: readonly SweepRun[]): Comparison {
  const bySeed = (variant: string): Map<number, SweepRun> => new Map(runs.filter((run) => run.variant === variant).map((run) => [run.seed, run]));
  const [ofA, ofB] = [bySeed(a), bySeed(b)];
  const seeds = [...ofA.keys()].filter((seed) => ofB.has(seed)).sort((one, other) => one - other);
  const pairs = seeds.map((seed) => [ofA.get(seed) as SweepRun, ofB.get(seed) as SweepRun] as const);
  const differences = MEANINGS.map(({ measure, isBetterLow }) => differenceOf(measure, isBetterLow, pairs.map(([one, other]) => [one.figures, other.figures])));
  const count = (wanted: readonly [boolean, boolean]): number => pairs.filter(([one, other]) => one.passed === wanted[0] && other.passed === wanted[1]).length;
  return {
    format: COMPARE_FORMAT,
    a,
    b,
    seeds: seeds.length,
    confidence: 0.95,
    passed: { both: count([true, true]), onlyA: count([true, false]), onlyB: count([false, true]), neither: count([false, false]) },
    differences,
    verdict: verdictOf(differences, seeds.length),
  };
}

function differenceOf(measure: ComparedMeasure, isBetterLow: boolean, pairs: readonly (readonly [RunFigures, RunFigures])[]): Difference {
  const of = (index: 0 | 1): number => meanOf(pairs.map((pair) => pair[index][measure])).value;
  const each = pairs.map(([one, other]) => other[measure] - one[measure]);
  const difference = meanOf(each);
  const isMore = difference.low > 0;
  const isShown = isMore || difference.high < 0;
  const judgement = each.every((value) => value === 0) ? 'the same' : !isShown ? 'no difference shown' : isMore === isBetterLow ? 'worse' : 'better';
  return { measure, a: of(0), b: of(1), difference, more: each.filter((value) => value > 0).length, less: each.filter((value) => value < 0).length, judgement };
}

function verdictOf(differences: readonly Difference[], seeds: number): string {
  if (seeds < 2) return 'One seed says nothing of what another would: give more.';
  const said = (wanted: Judgement): string[] =>
    differences.flatMap(({ measure, difference, judgement }) => {
      const meaning = MEANINGS.find((candidate) => candidate.measure === measure);
      return meaning === undefined || judgement !== wanted ? [] : [wanted === 'better' || wanted === 'worse' ? (difference.value > 0 ? meaning.more : meaning.less) : meaning.same];
    });
  const [better, worse, open] = [said('better'), said('worse'), said('no difference shown')];
  const parts = [
    better.length === 0 && worse.length === 0 ? `On ${seeds} seeds nothing tells B from A.` : undefined,
    better.length > 0 ? `B is better: it ${listed(better)}.` : undefined,
    worse.length > 0 ? `B is worse: it ${listed(worse)}.` : undefined,
    open.length > 0 && better.length + worse.length > 0 ? `No difference is shown in ${listed(open)}.` : undefined,
  ];
  return parts.filter((part) => part !== undefined).join(' ');
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}
