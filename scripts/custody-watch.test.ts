import t from 'tap';
import { CustodyWatch } from './custody-watch.js';
import type { StepName } from './custody-watch.js';
import type { Word } from './postern-process.js';

const MESSAGE = { record: '11aa', message: '22bb' };

t.test('a message whose acceptance overtakes the receipt of the next gateway is done', async (t) => {
  const steps: StepName[] = [];
  const input = { file: 'mail.eml', name: 'mail.eml', bytes: 10 };
  const watch = new CustodyWatch([input], ({ name }) => steps.push(name), () => undefined);
  const hear = (process: string, word: Word): void => watch.hear(process, { ...MESSAGE, ...word });
  hear('sender', { event: 'sealed' });
  hear('sender', { event: 'in-custody' });
  t.equal(watch.betweenGateways(), input);
  hear('east', { msg: 'knocked' });
  hear('east', { msg: 'fetched' });
  hear('south', { event: 'delivered', path: 'out/mail.eml' });
  t.equal(watch.betweenGateways(), undefined, 'what has come out is on no line any more');
  hear('sender', { event: 'accepted' });
  await watch.finished;
  t.same(steps, ['sealed', 'west', 'knocked', 'fetched', 'opened', 'accepted']);
  t.equal(watch.standing(), '');
});
