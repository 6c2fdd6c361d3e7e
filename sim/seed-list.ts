/** Seeds as people give them: `1..100`, `7`, or `1..10,42`. */

const MOST_SEEDS = 100_000;

/** Each once, in the order given; undefined where it says nothing of the kind. */
export function parseSeeds(text: string): number[] | undefined {
  const seeds = new Set<number>();
  for (const part of text.split(',')) {
    const [, from, to] = /^\s*(\d{1,15})\s*(?:\.\.\s*(\d{1,15})\s*)?$/.exec(part) ?? [];
    if (from === undefined) return undefined;
    const last = Number(to ?? from);
    if (last < Number(from) || last - Number(from) + seeds.size >= MOST_SEEDS) return undefined;
    for (let seed = Number(from); seed <= last; seed += 1) seeds.add(seed);
  }
  return [...seeds];
}
