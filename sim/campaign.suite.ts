/** A part of the campaign for CI: in parts, so that each test file is done soon on a busy machine. */
import t from 'tap';
import { runSeed } from './campaign.js';
import type { SeedResult } from './campaign.js';

/** The way to have the same again, with what was broken. */
export function complaint({ seed, violations }: SeedResult): string {
  const [first] = violations;
  return `seed ${seed}: ${first?.rule} at ${first?.node}: ${first?.text}; again: postern sim campaign --seeds ${seed}`;
}

export function testSeeds(from: number, to: number): void {
  t.setTimeout(300_000);
  t.test(`seeds ${from} to ${to} keep every rule, and everything that can arrive does`, async (t) => {
    const failed: string[] = [];
    const sums = { messages: 0, delivered: 0, faults: 0 };
    for (let seed = from; seed <= to; seed += 1) {
      const result = await runSeed(seed);
      for (const key of ['messages', 'delivered', 'faults'] as const) sums[key] += result[key];
      if (result.violations.length > 0) failed.push(complaint(result));
    }
    t.same(failed, []);
    t.comment(JSON.stringify(sums));
    t.ok(sums.delivered > to - from && sums.faults > to - from, 'something happened');
  });
}
