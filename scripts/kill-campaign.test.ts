import t from 'tap';
import { runCampaign } from './kill-campaign.js';

t.test('ten kills at random: everything arrives once and unchanged, and nothing ends by itself', { timeout: 115_000 }, async (t) => {
  const seed = Math.floor(Math.random() * 1e6);
  t.comment(`seed ${seed}`);
  const { kills, messages, problems } = await runCampaign({ kills: 10, seed });
  t.strictSame(problems, []);
  t.equal(Object.values(kills).reduce((sum, count) => sum + count, 0), 10);
  t.ok(messages >= 4);
});
