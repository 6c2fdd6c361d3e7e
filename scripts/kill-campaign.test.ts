import t from 'tap';
import { runCampaign } from './kill-campaign.js';

t.test('ten kills at random: everything arrives once and unchanged', { timeout: 300_000 }, async (t) => {
  const seed = Math.floor(Math.random() * 1e6);
  t.comment(`seed ${seed}`);
  const { messages, arrived, wrong, faults } = await runCampaign({ kills: 10, seed });
  t.same(wrong, []);
  t.same(faults, []);
  t.equal(arrived, messages);
});
