/** That the checks find what they are for: a bug is planted in each rule, and the campaign finds every one. */
import t from 'tap';
import { runInput, runSeed, shrinkSeed } from './campaign.js';
import { RULES } from './checks.js';
import { PLANTED_BUGS } from './plants-test-helper.js';
import { randomScenario } from './random-scenario.js';

t.setTimeout(300_000);

/** All are found long before this: docs/campaigns.md says when. */
const MOST_SEEDS = 1000;

t.test('there is a planted bug for every rule', async (t) => {
  t.same([...new Set(PLANTED_BUGS.map(({ rule }) => rule))].sort(), Object.keys(RULES).sort());
});

for (const { rule, bug, from, make } of PLANTED_BUGS) {
  t.test(`finds that ${bug}`, async (t) => {
    let seed = from;
    let found = false;
    for (; seed <= MOST_SEEDS && !found; seed += 1) found = (await runSeed(seed, make())).violations.some((violation) => violation.rule === rule);
    t.ok(found, `${rule} broken at seed ${seed - 1}`);
  });
}

t.test('a failing seed is made small, and the small scenario still fails', async (t) => {
  const planted = PLANTED_BUGS.find(({ rule }) => rule === 'served-wrong');
  const small = await shrinkSeed(1, 'served-wrong', 60, planted?.make());
  const [before, after] = [randomScenario(1), small?.scenario ?? randomScenario(1)];
  t.ok(JSON.stringify(after).length < JSON.stringify(before).length / 2, `${JSON.stringify(before).length} characters became ${JSON.stringify(after).length}`);
  t.same(after.faults, []);
  t.equal((await runInput(after, 1, planted?.make())).violations[0]?.rule, 'served-wrong');
  t.same((await runInput(after, 1)).violations, [], 'and without the bug it does not');
});
