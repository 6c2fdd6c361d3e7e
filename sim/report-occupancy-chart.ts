/** How full the store of each node was. Drawn still, and by uPlot where scripts run: then one can look into it. */
import { formatBytes, formatDuration } from '../base/figure-text.js';
import { html, jsonForPage } from './markup.js';
import type { Markup, Part } from './markup.js';
import { colour, figure, label, legend, line, place, table } from './report-figure.js';
import { countScale, timeScale } from './report-scales.js';
import type { NodeOccupancy } from './report.js';

const HEIGHT = 230;
const [LEFT, RIGHT, TOP, BOTTOM] = [66, 8, 10, 28];

export function occupancyFigure(occupancy: readonly NodeOccupancy[], runSec: number): Markup {
  const fullest = [...occupancy].sort((a, b) => b.mostBytes - a.mostBytes)[0];
  return figure({
    title: 'Bytes in the store of each node',
    says: fullest === undefined ? 'No node.' : `${fullest.node} held the most at a time: ${formatBytes(fullest.mostBytes)} in ${fullest.mostRecords} records at its fullest.`,
    height: HEIGHT,
    draw: (width) => draw(occupancy, runSec, width),
    legend: legend(occupancy.map(({ node }, index) => ({ text: node, colour: colour(index) }))),
    live: html`<div id="occupancy-live" aria-hidden="true"></div><script type="application/json" id="occupancy-data">${jsonForPage(columnsOf(occupancy))}</script>`,
    table: table('Most at a time', [{ title: 'node', isText: true, of: ({ node }: NodeOccupancy) => node }, { title: 'records', of: ({ mostRecords }) => mostRecords }, { title: 'bytes', of: ({ mostBytes }) => formatBytes(mostBytes) }, { title: 'at the end', of: ({ samples }) => formatBytes(samples.at(-1)?.[2] ?? 0) }], occupancy),
  });
}

function draw(occupancy: readonly NodeOccupancy[], runSec: number, width: number): Part {
  const x = timeScale([0, runSec], [LEFT, width - RIGHT], width > 500 ? 10 : 4);
  const y = countScale(Math.max(1, ...occupancy.map(({ mostBytes }) => mostBytes)), [HEIGHT - BOTTOM, TOP], 1024);
  return [
    y.ticks.map((tick) => [line(LEFT, y.at(tick), width - RIGHT, y.at(tick), 'grid'), label(LEFT - 8, y.at(tick) + 4, tick === 0 ? '0' : formatBytes(tick), 'end')]),
    x.ticks.map((tick) => [line(x.at(tick), HEIGHT - BOTTOM, x.at(tick), HEIGHT - BOTTOM + 5, 'tick'), label(x.at(tick), HEIGHT - 8, tick === 0 ? '0' : formatDuration(tick * 1000), width - x.at(tick) < 20 ? 'end' : 'middle')]),
    occupancy.map(({ samples }, index) => html`<polyline points="${samples.map(([sec, , bytes]) => `${place(x.at(sec))},${place(y.at(bytes))}`).join(' ')}" class="series" style="stroke:${colour(index)}"/>`),
  ];
}

/** As uPlot has it: times, then a column for each node, null where it was down. */
function columnsOf(occupancy: readonly NodeOccupancy[]): { names: readonly string[]; columns: readonly (readonly (number | null)[])[] } {
  const times = [...new Set(occupancy.flatMap(({ samples }) => samples.map(([sec]) => sec)))].sort((a, b) => a - b);
  const columns = occupancy.map(({ samples }) => {
    const bytesAt = new Map(samples.map(([sec, , bytes]) => [sec, bytes]));
    return times.map((sec) => bytesAt.get(sec) ?? null);
  });
  return { names: occupancy.map(({ node }) => node), columns: [times, ...columns] };
}
