import t from 'tap';
import { runLinkSuite, type LinkCase } from '../link.suite.js';
import { makePair } from './ltp-test-helper.js';

const SKIPS: Partial<Record<LinkCase, string>> = {
  'says when to try again': 'a cancellation has no room for a time',
  'brings the answer home': 'an answer is freight of its own',
  'tells the far end when bytes stop short': 'only whole blocks are handed over',
};

t.test('over UDP', async (t) => runLinkSuite(t, () => makePair(), SKIPS));
