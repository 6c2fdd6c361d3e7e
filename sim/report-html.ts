/**
 * A report as one page that holds all it needs: no network, no font, no file beside it, and nothing but our own two scripts
 * may run in it. Everything in it that comes from a scenario is text.
 */
import { asBuffer, utf8 } from '../base/bytes.js';
import { formatBytes, formatDuration, formatShare } from '../base/figure-text.js';
import { sha256 } from '../wire/digest.js';
import { RULES } from './checks.js';
import { measureText } from './expectations.js';
import { html, Markup } from './markup.js';
import type { Part } from './markup.js';
import { bytesFigure } from './report-bytes-chart.js';
import { chartCode } from './report-charts.js';
import { contactsFigure } from './report-contacts-chart.js';
import { custodyFigure } from './report-custody-chart.js';
import { counted, table, wayText } from './report-figure.js';
import { latencyFigure } from './report-latency-chart.js';
import { occupancyFigure } from './report-occupancy-chart.js';
import { REPORT_STYLE } from './report-style.js';
import type { LinkReport, Report } from './report.js';

export interface PageOptions {
  /** The command that makes the same run again. */
  readonly again: string;
}

export function reportPage(report: Report, { again }: PageOptions): string {
  const { script, style } = chartCode();
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${asBuffer(sha256(utf8(script))).toString('base64')}'; base-uri 'none'; form-action 'none'`;
  const body = [head(report), tiles(report), verdicts(report), sections(report), foot(report, again)];
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${report.scenario}, seed ${report.seed}</title>
<style>${new Markup(style)}${new Markup(REPORT_STYLE)}</style>
</head>
<body>
<main>
${body}
</main>
<script>${new Markup(script)}</script>
</body>
</html>
`.text;
}

function head(report: Report): Markup {
  const { passed, violations, expectations, speed } = report;
  const missed = expectations.filter(({ met }) => !met).length;
  const verdict = passed ? 'Passed: every check held, every expectation was met' : `Failed: ${[...(violations.length > 0 ? [`a rule was broken ${counted(violations.length, 'time')}`] : []), ...(missed > 0 ? [`${missed} of ${expectations.length} expectations were missed`] : [])].join(', ')}`;
  const facts: readonly (readonly [string, string])[] = [
    ['seed', String(report.seed)],
    ['from', report.starts.replace('.000Z', 'Z')],
    ['simulated', formatDuration(report.simulatedSec * 1000)],
    ['events', report.events.toLocaleString('en')],
    ...(speed === undefined ? [] : [['took', `${formatDuration(speed.wallSec * 1000)}, ${speed.timesRealTime.toLocaleString('en')} times real time`] as const]),
  ];
  return html`<header><p class="kind">Simulated with the gateway itself</p><h1>${report.scenario}</h1><p class="about">${report.about}</p><p class="verdict${passed ? '' : ' bad'}">${verdict}</p><ul class="facts">${facts.map(([name, value]) => html`<li>${name} <b>${value}</b></li>`)}</ul></header>`;
}

function tiles({ delivery, latencySec, overhead, money, faults }: Report): Markup {
  const undelivered = [`${delivery.expired} expired`, `${delivery.retracted} retracted`, `${delivery.neverTaken} never taken on`, `${delivery.inLimbo} on their way`].filter((text) => !text.startsWith('0 '));
  const happened = Object.entries(faults);
  const costs = Object.entries(money);
  const shown: readonly (readonly [name: string, value: string, more: string])[] = [
    ['delivered', formatShare(delivery.ratio), [`${delivery.delivered.toLocaleString('en')} of ${delivery.sent.toLocaleString('en')}`, ...undelivered].join(', ')],
    ['median delay', formatDuration(latencySec.p50 * 1000), `99 % within ${formatDuration(latencySec.p99 * 1000)}`],
    ['sent per byte delivered', overhead.ratio.toFixed(2), `${formatBytes(overhead.linkBytes)} on links, ${formatBytes(overhead.lostBytes)} lost`],
    costs.length > 0 ? [`cost, ${costs.map(([currency]) => currency).join(' and ')}`, costs.map(([, amount]) => amount.toFixed(2)).join(' + '), `${formatBits(delivery.goodputBitsPerSec)} delivered`] : ['delivered at', formatBits(delivery.goodputBitsPerSec), 'over the time of traffic'],
    ['faults', String(happened.reduce((sum, [, count]) => sum + count, 0)), happened.map(([kind, count]) => `${kind} ${count}`).join(', ') || 'nothing was broken on purpose'],
  ];
  return html`<ul class="tiles">${shown.map(([name, value, more]) => html`<li><span class="name">${name}</span><span class="value">${value}</span><span class="more">${more}</span></li>`)}</ul>`;
}

function verdicts({ expectations, violations }: Report): Markup {
  const wanted = table('Expectations', [
    { title: 'expected', isText: true, of: ({ what }) => what },
    { title: 'wanted', of: ({ wanted, unit }) => measureText(wanted, unit) },
    { title: 'found', of: ({ found, unit }) => measureText(found, unit) },
    { title: '', isText: true, of: ({ met }) => (met ? html`<span class="met">met</span>` : html`<span class="missed">missed</span>`) },
  ], expectations);
  const broken = table('Violations', [
    { title: 'rule', isText: true, of: ({ rule }) => html`<span class="missed">${rule}</span>` },
    { title: 'after', of: ({ timeUs }) => formatDuration(timeUs / 1000) },
    { title: 'node', isText: true, of: ({ node }) => node },
    { title: 'what happened', isText: true, of: ({ text, means }) => `${text} (${means})` },
  ], violations);
  const rules = Object.keys(RULES).length;
  return html`<section><h2>What was expected, and what came</h2>${expectations.length > 0 ? wanted : html`<p>The scenario expects nothing in particular.</p>`}${violations.length > 0 ? broken : html`<p style="margin-top:12px">All ${rules} rules of custody were watched all the time, and none was broken.</p>`}</section>`;
}

function sections(report: Report): Part {
  const { latencySec, links, overhead, contacts, occupancy, custodyOfOne, simulatedSec } = report;
  const contactChart = contactsFigure(contacts, simulatedSec);
  return [
    section('Delay', latencyFigure(latencySec)),
    section('What the links carried', bytesFigure(links, overhead)),
    contactChart === undefined ? undefined : section('Contacts', contactChart),
    section('In the stores', occupancyFigure(occupancy, simulatedSec)),
    custodyOfOne === undefined ? undefined : section('The slowest message', custodyFigure(custodyOfOne)),
    section('Nodes', retention(report)),
    section('Ways', ways(links)),
  ];
}

function section(title: string, content: Part): Markup {
  return html`<section><h2>${title}</h2>${content}</section>`;
}

function retention({ retentionSec, occupancy }: Report): Markup {
  return table('How long messages stayed', [
    { title: 'node', isText: true, of: ({ node }) => node },
    { title: 'messages', of: ({ messages }) => messages.toLocaleString('en') },
    { title: 'stayed, mean', of: ({ mean }) => formatDuration(mean * 1000) },
    { title: 'longest', of: ({ longest }) => formatDuration(longest * 1000) },
    { title: 'most records', of: ({ node }) => occupancy.find((entry) => entry.node === node)?.mostRecords ?? 0 },
    { title: 'most bytes', of: ({ node }) => formatBytes(occupancy.find((entry) => entry.node === node)?.mostBytes ?? 0) },
  ], retentionSec);
}

function ways(links: readonly LinkReport[]): Markup {
  return table('Each way', [
    { title: 'way', isText: true, of: ({ name }) => wayText(name) },
    { title: 'units', of: ({ units }) => units.toLocaleString('en') },
    { title: 'sent', of: ({ bytes }) => formatBytes(bytes) },
    { title: 'busy', of: ({ busy }) => formatShare(busy) },
    { title: 'lost', of: ({ lostUnits }) => lostUnits },
    { title: 'corrupted', of: ({ corruptedUnits }) => corruptedUnits },
    { title: 'cut', of: ({ cutUnits }) => cutUnits },
    { title: 'not let out', of: ({ refusedAttempts }) => refusedAttempts },
    { title: 'cost', of: ({ money }) => (money === undefined ? '' : money.toFixed(2)) },
  ], links);
}

function foot({ trace, format }: Report, again: string): Markup {
  return html`<footer>The same run again:<pre><code>${again}</code></pre><p>Trace <code>${trace.hash}</code>, ${trace.lines.toLocaleString('en')} lines. Report ${format}.</p></footer>`;
}

function formatBits(bitsPerSec: number): string {
  return bitsPerSec >= 1e6 ? `${(bitsPerSec / 1e6).toFixed(1)} Mbit/s` : bitsPerSec >= 1000 ? `${(bitsPerSec / 1000).toFixed(1)} kbit/s` : `${Math.round(bitsPerSec)} bit/s`;
}
