/**
 * uPlot for the page of a report, and the lines that draw with it. The door to uplot: it runs in a browser and never here, so
 * that its file is read rather than imported. A single executable has the file inside.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { getAsset, isSea } from 'node:sea';

/** What scripts/package.ts puts into the executable, each under its own name. */
export const CHART_FILES = ['uplot/dist/uPlot.iife.min.js', 'uplot/dist/uPlot.min.css'] as const;

export interface ChartCode {
  readonly script: string;
  readonly style: string;
}

export function chartCode(): ChartCode {
  const [script, style] = CHART_FILES;
  return { script: `${read(script)}\n${DRAW}`, style: read(style) };
}

function read(file: (typeof CHART_FILES)[number]): string {
  return isSea() ? getAsset(file, 'utf8') : readFileSync(createRequire(import.meta.url).resolve(file), 'utf8');
}

/** Puts a chart one can look into in place of the still one, in the colours of the page. Without scripts, and on paper, the still one stays. */
const DRAW = `(() => {
  const place = document.getElementById('occupancy-live');
  const { names, columns } = JSON.parse(document.getElementById('occupancy-data').textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const inUnits = (value, units, most) => {
    let unit = 0;
    while (unit < units.length - 1 && value >= units[unit][0] * most) unit += 1;
    return Number((value / units[unit][0]).toPrecision(3)) + ' ' + units[unit][1];
  };
  const bytes = (value) => value === 0 ? '0' : inUnits(value, [[1, 'B'], [2 ** 10, 'KiB'], [2 ** 20, 'MiB'], [2 ** 30, 'GiB'], [2 ** 40, 'TiB']], 1024);
  const time = (sec) => sec === 0 ? '0' : sec < 60 ? Number(sec.toPrecision(3)) + ' s' : sec < 7200 ? Number((sec / 60).toPrecision(3)) + ' min' : sec < 172800 ? Number((sec / 3600).toPrecision(3)) + ' h' : Number((sec / 86400).toPrecision(4)) + ' d';
  const steps = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 432000, 604800, 1209600, 2592000, 5184000, 7776000, 15768000, 31536000];
  let chart;
  const draw = () => {
    chart?.destroy();
    const axis = { stroke: colour('--ink-soft'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line'), width: 1 }, font: '12px system-ui, sans-serif' };
    chart = new uPlot({
      width: place.clientWidth,
      height: place.clientWidth > 500 ? 280 : 240,
      legend: { live: true },
      scales: { x: { time: false }, y: { range: (_, least, most) => [0, Math.max(most, 1) * 1.05] } },
      series: [{ label: 'after', value: (_, value) => value === null || value === undefined ? '–' : time(value) }, ...names.map((label, index) => ({ label, stroke: colour('--c' + (index % 8 + 1)), width: 1.8, points: { show: false }, value: (_, value) => value === null || value === undefined ? '–' : bytes(value) }))],
      axes: [{ ...axis, incrs: steps, space: 70, values: (_, ticks) => ticks.map(time) }, { ...axis, size: 70, incrs: [1, 2, 4, 8].flatMap((factor) => Array.from({ length: 40 }, (_, power) => factor * 2 ** power)).sort((a, b) => a - b), values: (_, ticks) => ticks.map(bytes) }],
    }, columns, place);
  };
  if (names.length === 0) return;
  document.documentElement.classList.add('live');
  draw();
  let asked = false;
  addEventListener('resize', () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      chart.setSize({ width: place.clientWidth, height: chart.height });
    });
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
})();
`;
