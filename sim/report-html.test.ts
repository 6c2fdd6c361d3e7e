import { createHash } from 'node:crypto';
import t from 'tap';
import { reportPage } from './report-html.js';
import type { Report } from './report.js';
import { runScenario } from './run-scenario.js';
import { parseScenario } from './scenario-file.js';

const TEXT = `
name: page
about: For a page.
lasts: 6 h
settles: 12 h
nodes:
  a: { serves: [a.example], routes: [{ to: b.example, via: b }] }
  b: { serves: [b.example] }
links:
  - { between: [a, b], rate: 9600 bit/s, delay: 20 s, windows: { first: 10 min, every: 1 h, open: 20 min }, loss: { probability: 0.05 }, budget: { currency: EUR, price: { perSession: 0.5 } } }
traffic:
  - { from: a.example, to: b.example, perDay: 60, size: [500 B, 3 KiB] }
expect: { deliveredAtLeast: 1, p99Within: 1 d }
`;
/** What a scenario might be called by somebody who wants more than a name. */
const HOSTILE = `</script></title><script>alert(1)</script><img src=x onerror=alert(2)>"'&\u202e\u0000`;

let report: Report;

t.before(async () => {
  report = await runScenario(parseScenario(TEXT, 'page.yaml'), { seed: 1 });
});

t.test('the page needs nothing from anywhere, and only its own script may run', async (t) => {
  const page = reportPage(report, { again: 'postern sim run page.yaml' });
  t.notMatch(page, /(src|href|url\()\s*=?\s*["']?(https?:)?\/\//);
  t.notMatch(page, /<link|@import|<iframe|<object/);
  const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, script]) => script ?? '');
  t.equal(scripts.length, 1);
  t.match(page, `script-src &#39;sha256-${createHash('sha256').update(scripts[0] ?? '').digest('base64')}&#39;`);
  t.match(page, /default-src &#39;none&#39;/);
});

t.test('every chart has a name, a sentence and a table', async (t) => {
  const page = reportPage(report, { again: 'again' });
  const figures = page.match(/<figure>[\s\S]*?<\/figure>/g) ?? [];
  t.equal(figures.length, 5);
  for (const figure of figures) {
    t.match(figure, /<figcaption>[^<]+</);
    t.match(figure, /role="img" aria-label="[^"]+"/);
    t.match(figure, /<table><caption>[^<]+<\/caption><thead>/);
  }
  t.match(page, /<html lang="en">/);
  t.match(page, /name="viewport"/);
});

t.test('what a scenario says is text, wherever it is put', async (t) => {
  const page = reportPage(spoiled(report, HOSTILE), { again: HOSTILE });
  t.notMatch(page, /<script>alert|<img/);
  t.notMatch(page, /\u202e|\u0000/);
  t.equal(page.split('<script').length - 1, 2, 'the data and our own');
  const [, data] = /<script type="application\/json" id="occupancy-data">([\s\S]*?)<\/script>/.exec(page) ?? [];
  t.equal((JSON.parse(data ?? '') as { names: string[] }).names[0], HOSTILE, 'the data says what was said');
});

t.test('a run in which nothing happened has a page, too', async (t) => {
  const quiet = await runScenario(parseScenario('{ name: quiet, lasts: 1 h, settles: 1 h, nodes: { a: {} } }', 'quiet.yaml'), { seed: 1 });
  const page = reportPage(quiet, { again: 'again' });
  t.notMatch(page.slice(page.indexOf('<main>'), page.indexOf('</main>')), /NaN|Infinity|undefined/);
});

t.test('a run that failed says what was broken, and what was missed', async (t) => {
  const violations = [{ rule: 'lost', timeUs: 5e6, node: 'a', text: 'it is gone', means: 'nothing is lost' }] as const;
  const expectations = [{ what: 'median delay, within', unit: 'seconds', wanted: 1, found: 90, met: false }] as const;
  const page = reportPage({ ...report, violations, expectations, passed: false }, { again: 'again' });
  t.match(page, /Failed: a rule was broken 1 time, 1 of 1 expectations were missed/);
  t.match(page, /it is gone/);
  t.match(page, /<span class="missed">missed/);
});

/** The same report with another text in place of each of its own. */
function spoiled(report: Report, text: string): Report {
  return JSON.parse(JSON.stringify(report), (key, value: unknown) => (typeof value === 'string' && !['unit', 'format', 'hash', 'starts'].includes(key) ? text : value)) as Report;
}
