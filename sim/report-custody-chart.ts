/** The way of one message through space and time: a lane for each node, a bar where it was held, a line for each time it was sent. */
import { formatBytes, formatDuration } from '../base/figure-text.js';
import { html } from './markup.js';
import type { Markup, Part } from './markup.js';
import { counted, figure, label, line, place, table, wayText } from './report-figure.js';
import { timeScale } from './report-scales.js';
import type { Scale } from './report-scales.js';
import type { CustodyStory } from './report.js';

interface Step {
  readonly sec: number;
  readonly what: string;
}

const [LANE, TOP, BOTTOM, RIGHT] = [54, 26, 34, 16];

export function custodyFigure(story: CustodyStory): Markup {
  const nodes = nodesOf(story);
  const tookSec = (story.deliveredSec ?? lastSec(story)) - story.createdSec;
  const lost = story.legs.filter(({ arrivesSec }) => arrivesSec === undefined).length;
  return figure({
    title: `The way of message ${story.rid}`,
    says: `${story.rid}, ${formatBytes(story.blobBytes)} from ${story.from} to ${story.to}, was the slowest: ${formatDuration(tookSec * 1000)}, sent ${counted(story.legs.length, 'time')} over ${counted(Math.max(0, nodes.length - 1), 'hop')}, lost ${counted(lost, 'time')}.`,
    height: TOP + LANE * nodes.length + BOTTOM,
    draw: (width) => draw(story, nodes, width),
    table: table('Step by step', [{ title: 'after', of: ({ sec }: Step) => formatDuration((sec - story.createdSec) * 1000) }, { title: 'second of the run', of: ({ sec }) => sec.toFixed(3) }, { title: 'what happened', isText: true, of: ({ what }) => what }], stepsOf(story)),
  });
}

function draw(story: CustodyStory, nodes: readonly string[], width: number): Part {
  const left = width > 500 ? 110 : 8;
  const endSec = story.deliveredSec ?? lastSec(story);
  const x = timeScale([0, Math.max(endSec - story.createdSec, 1e-3)], [left, width - RIGHT], width > 500 ? 9 : 4);
  const at = (sec: number): number => x.at(Math.min(sec, endSec) - story.createdSec);
  const y = (node: string): number => TOP + LANE * Math.max(0, nodes.indexOf(node)) + LANE / 2;
  const foot = TOP + LANE * nodes.length;
  return [
    x.ticks.map((tick) => [line(x.at(tick), TOP - 8, x.at(tick), foot, 'grid'), label(x.at(tick), foot + 20, tick === 0 ? '0' : formatDuration(tick * 1000), 'middle')]),
    nodes.map((node) => [line(left, y(node), width - RIGHT, y(node), 'lane'), width > 500 ? label(left - 12, y(node) + 4, node, 'strong end') : label(left, y(node) - 13, node, 'strong')]),
    story.hops.map(({ node, sec }, index) => held(at(sec), at(story.hops[index + 1]?.sec ?? endSec), y(node), `${node} had custody for ${formatDuration(((story.hops[index + 1]?.sec ?? endSec) - sec) * 1000)}`)),
    story.legs.map(({ way, leftSec, arrivesSec }) => leg(endsOf(way), { x: at(leftSec), y }, arrivesSec, x, story)),
    html`<circle cx="${place(x.at(0))}" cy="${place(y(nodes[0] ?? ''))}" r="5" class="dot"/>`,
    story.deliveredSec === undefined ? undefined : html`<circle cx="${place(at(story.deliveredSec))}" cy="${place(y(nodes.at(-1) ?? ''))}" r="6" class="goal"/>`,
  ];
}

function held(fromX: number, toX: number, y: number, says: string): Markup {
  return html`<rect x="${place(fromX)}" y="${place(y - 6)}" width="${place(Math.max(2, toX - fromX))}" height="12" rx="3" class="custody"><title>${says}</title></rect>`;
}

/** One that was lost ends half-way, with a cross. */
function leg([from, to]: readonly [string, string], start: { x: number; y: (node: string) => number }, arrivesSec: number | undefined, x: Scale, story: CustodyStory): Part {
  const [y1, y2] = [start.y(from), start.y(to)];
  if (arrivesSec !== undefined) return line(start.x, y1, Math.max(start.x, x.at(Math.min(arrivesSec, story.deliveredSec ?? arrivesSec) - story.createdSec)), y2, 'leg');
  const [endX, endY] = [start.x + 6, y1 + (y2 - y1) * 0.55];
  return [line(start.x, y1, endX, endY, 'leg lost'), html`<path d="M${place(endX - 4)},${place(endY - 4)}l8,8m0,-8l-8,8" class="cross"/>`];
}

/** In the order in which it came to them. */
function nodesOf({ hops, legs }: CustodyStory): string[] {
  return [...new Set([...hops.map(({ node }) => node), ...legs.flatMap(({ way }) => endsOf(way))])];
}

/** A way is named after its link and its ends: `port ship>office`. */
function endsOf(way: string): readonly [from: string, to: string] {
  const [from = '', to = ''] = (way.split(' ').at(-1) ?? '').split('>');
  return [from, to];
}

function lastSec({ createdSec, hops, legs }: CustodyStory): number {
  return Math.max(createdSec, ...hops.map(({ sec }) => sec), ...legs.map(({ leftSec, arrivesSec = leftSec }) => arrivesSec));
}

function stepsOf(story: CustodyStory): Step[] {
  const steps: Step[] = [
    { sec: story.createdSec, what: `${story.from} sends it` },
    ...story.hops.map(({ node, sec }) => ({ sec, what: `${node} takes it into custody` })),
    ...story.legs.map(({ way, leftSec, arrivesSec }) => ({ sec: leftSec, what: arrivesSec === undefined ? `leaves on ${wayText(way)}, and is lost` : `leaves on ${wayText(way)}, there ${formatDuration((arrivesSec - leftSec) * 1000)} later` })),
  ];
  if (story.deliveredSec !== undefined) steps.push({ sec: story.deliveredSec, what: `${story.to} has it` });
  return steps.sort((a, b) => a.sec - b.sec);
}
