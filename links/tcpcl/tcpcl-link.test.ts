import t from 'tap';
import { runLinkSuite, type LinkCase } from '../link.suite.js';
import { makePair, makeSecurePair } from './tcpcl-test-helper.js';

const SKIPS: Partial<Record<LinkCase, string>> = {
  'says when to try again': 'XFER_REFUSE has no room for a time',
  'brings the answer home': 'an answer is freight of its own',
};
const LARGE = { largestBytes: 32 * 1024 * 1024 };

t.test('in the clear', async (t) => runLinkSuite(t, () => makePair({ near: LARGE, far: LARGE }), SKIPS));
t.test('with TLS', async (t) => runLinkSuite(t, () => makeSecurePair({ near: LARGE, far: LARGE }), SKIPS));
