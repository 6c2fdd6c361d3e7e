import t from 'tap';
import { whyNoNamespaces } from './net-namespaces.js';
import { travel } from './three-gateways.js';

t.test('messages travel from one machine to another by a line with losses, and on to a third by stick; they are accepted, everybody learns it, and nothing remains', { timeout: 115_000, skip: whyNoNamespaces() ?? false }, async (t) => {
  const { files, problems, line, tested } = await travel({ say: (text) => t.comment(text) });
  t.same(problems, []);
  t.match(tested, { link: 'middle/ltp', works: true, outcome: 'confirmed' });
  t.ok(tested.elapsedMs >= 500, 'light takes that long, there and back');
  t.ok((tested.bytesPerSecond ?? 0) > 0);
  t.equal(files, 3);
  const [there] = line.ways;
  t.match(there, { link: 'line', towards: 'middle' });
  t.ok((there?.arrivedDatagrams ?? 0) > 0 && (there?.datagrams ?? 0) > (there?.arrivedDatagrams ?? 0), 'the line has lost some');
  t.equal(line.cuts, 1);
});
