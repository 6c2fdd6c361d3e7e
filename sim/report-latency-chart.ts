/** How long messages took: the share that had arrived after each time. */
import { formatDuration } from '../base/figure-text.js';
import { html } from './markup.js';
import type { Markup, Part } from './markup.js';
import { figure, label, line, place, table } from './report-figure.js';
import type { LatencyFigures } from './report-figures.js';
import { powerScale, timeScale } from './report-scales.js';

const HEIGHT = 250;
const [LEFT, RIGHT, TOP, BOTTOM] = [46, 14, 16, 34];
/** When the longest took more than so many times the shortest, powers show more. */
const POWERS_BEYOND = 30;
const SHARES = [0, 0.25, 0.5, 0.75, 1];
const MARKED = [['p50', 'half', 0.5], ['p90', '90 %', 0.9], ['p99', '99 %', 0.99]] as const;

export function latencyFigure(latency: LatencyFigures): Markup {
  const { p10, p50, p90, p99, max, mean, cdf } = latency;
  const rows = [['10 %', p10], ['25 %', latency.p25], ['50 % (median)', p50], ['75 %', latency.p75], ['90 %', p90], ['99 %', p99], ['all', max], ['mean', mean]] as const;
  return figure({
    title: 'Delay of delivered messages',
    says: `Half arrived within ${formatDuration(p50 * 1000)}, 99 % within ${formatDuration(p99 * 1000)}, the last after ${formatDuration(max * 1000)}.`,
    height: HEIGHT,
    draw: (width) => draw(latency, cdf, width),
    table: table('Delay from sending to fetching', [{ title: 'share', isText: true, of: ([share]) => share }, { title: 'within', of: ([, sec]) => formatDuration(sec * 1000) }, { title: 'seconds', of: ([, sec]) => sec.toFixed(3) }], rows),
  });
}

function draw(latency: LatencyFigures, cdf: LatencyFigures['cdf'], width: number): Part {
  const [least, most] = [Math.max(cdf[0]?.[0] ?? 0, 1e-4), Math.max(latency.max, 2e-4)];
  const isByPowers = most / least > POWERS_BEYOND;
  const across = [LEFT, width - RIGHT] as const;
  const mostTicks = width > 500 ? 9 : 4;
  const x = isByPowers ? powerScale([least * 0.9, most * 1.05], across, mostTicks) : timeScale([0, most * 1.02], across, mostTicks);
  const y = (share: number): number => HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
  const points = cdf.map(([sec, share]) => [place(x.at(Math.max(sec, isByPowers ? least : 0))), place(y(share))] as const);
  const [firstX] = points[0] ?? [LEFT];
  const path = `M${firstX},${place(y(0))}${points.map(([px, py]) => `V${py}H${px}`).join('')}`;
  const [lastX] = points.at(-1) ?? [LEFT];
  return [
    SHARES.map((share) => [line(LEFT, y(share), width - RIGHT, y(share), 'grid'), label(LEFT - 8, y(share) + 4, `${share * 100} %`, 'end')]),
    x.ticks.map((tick) => [line(x.at(tick), y(0), x.at(tick), y(0) + 5, 'tick'), label(x.at(tick), HEIGHT - 12, tick === 0 ? '0' : formatDuration(tick * 1000), 'middle')]),
    html`<path d="${path}V${place(y(0))}H${firstX}Z" class="area"/><path d="${path}" class="curve"/>`,
    MARKED.map(([key, text, share]) => mark(x.at(Math.max(latency[key], least)), y(share), `${text}: ${formatDuration(latency[key] * 1000)}`, width)),
    line(lastX, y(1), width - RIGHT, y(1), 'curve-end'),
  ];
}

/** Where the curve, which only rises, cannot be: to the right and below its point, or to the left and above. */
function mark(x: number, y: number, text: string, width: number): Part {
  const isLeft = x > width / 2;
  return [html`<circle cx="${place(x)}" cy="${place(y)}" r="4.5" class="dot"/>`, label(isLeft ? x - 7 : x + 8, isLeft ? y - 7 : y + 17, text, isLeft ? 'strong end' : 'strong')];
}
