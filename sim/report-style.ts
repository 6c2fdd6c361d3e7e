/** How the page of a report looks: on a screen by day and by night, on a phone, and on paper. Colours after M. Okabe and K. Ito, for all eyes. */
export const REPORT_STYLE = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --card: #f6f7f9; --ink: #16202b; --ink-soft: #586674; --line: #dde2e8; --good: #0a7a4b; --good-card: #e3f5ec; --bad: #b3261e; --bad-card: #fde8e6;
  --c1: #0072b2; --c2: #e69f00; --c3: #d55e00; --c4: #009e73; --c5: #cc79a7; --c6: #56b4e9; --c7: #8a6d1d; --c8: #7a3fb0; --c9: #9aa5b1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #11161c; --card: #1a212a; --ink: #e8edf2; --ink-soft: #9aa8b6; --line: #2c3641; --good: #5cd6a1; --good-card: #12312a; --bad: #ff9a92; --bad-card: #3c1c1b;
    --c1: #4aa8e0; --c2: #f0b429; --c3: #f0763c; --c4: #2fc79b; --c5: #e39ac2; --c6: #8fd0f5; --c7: #c9a94a; --c8: #b48be0; --c9: #6f7d8b;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; font-variant-numeric: tabular-nums; }
main { max-width: 1020px; margin: 0 auto; padding: 40px 40px 56px; }
header .kind { margin: 0; color: var(--ink-soft); font-size: 14px; letter-spacing: .02em; }
h1 { margin: 2px 0 0; font-size: 34px; line-height: 1.2; letter-spacing: -.015em; overflow-wrap: anywhere; }
.about { max-width: 68ch; margin: 12px 0 0; overflow-wrap: anywhere; }
.verdict { display: inline-block; margin: 18px 0 0; padding: 6px 14px; border-radius: 8px; font-weight: 600; background: var(--good-card); color: var(--good); }
.verdict.bad { background: var(--bad-card); color: var(--bad); }
.facts { display: flex; flex-wrap: wrap; gap: 4px 28px; margin: 16px 0 0; padding: 0; list-style: none; color: var(--ink-soft); font-size: 14px; }
.facts b { color: var(--ink); font-weight: 600; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(168px, 1fr)); gap: 12px; margin: 28px 0 0; padding: 0; list-style: none; }
.tiles li { padding: 12px 16px 14px; border-radius: 10px; background: var(--card); }
.tiles .name { display: block; color: var(--ink-soft); font-size: 13.5px; }
.tiles .value { display: block; font-size: 27px; font-weight: 650; line-height: 1.3; letter-spacing: -.01em; }
.tiles .more { display: block; color: var(--ink-soft); font-size: 14px; line-height: 1.4; }
section { margin: 44px 0 0; }
h2 { margin: 0 0 4px; font-size: 21px; line-height: 1.3; letter-spacing: -.01em; }
section > p { max-width: 72ch; margin: 0 0 12px; color: var(--ink-soft); }
figure { margin: 0; }
figcaption { max-width: 72ch; margin: 0 0 14px; color: var(--ink-soft); overflow-wrap: anywhere; }
svg { display: block; width: 100%; height: auto; overflow: visible; font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; font-variant-numeric: tabular-nums; }
svg.narrow { display: none; }
svg text { fill: var(--ink-soft); }
svg text.strong { fill: var(--ink); font-weight: 600; paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }
svg text.end { text-anchor: end; }
svg text.strong.end { text-anchor: end; }
svg text.middle { text-anchor: middle; }
.grid { stroke: var(--line); }
.tick { stroke: var(--ink-soft); }
.curve { fill: none; stroke: var(--c1); stroke-width: 2.2; stroke-linejoin: round; }
.curve-end { stroke: var(--c1); stroke-width: 2.2; opacity: .35; }
.area { fill: var(--c1); opacity: .12; }
.dot { fill: var(--c1); stroke: var(--paper); stroke-width: 2; }
.goal { fill: var(--c4); stroke: var(--paper); stroke-width: 2; }
.series { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
.open { fill: var(--c6); opacity: .28; }
.filled { fill: var(--c1); }
.lane { stroke: var(--line); stroke-width: 2; }
.custody { fill: var(--c1); }
.leg { stroke: var(--c4); stroke-width: 2; }
.leg.lost { stroke: var(--c3); stroke-dasharray: 4 3; }
.cross { fill: none; stroke: var(--c3); stroke-width: 2.4; stroke-linecap: round; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 0 0 12px; padding: 0; list-style: none; font-size: 14px; }
.legend i { display: inline-block; width: 12px; height: 12px; margin-right: 7px; border-radius: 3px; vertical-align: -1px; }
details { margin: 12px 0 0; font-size: 14px; }
summary { display: inline-block; padding: 4px 0; color: var(--ink-soft); cursor: pointer; }
summary::before { content: "+ "; }
details[open] > summary::before { content: "− "; }
summary:focus-visible, .table:focus-visible { outline: 2px solid var(--c1); outline-offset: 2px; border-radius: 4px; }
.table { overflow-x: auto; margin: 4px 0 0; }
table { width: 100%; border-collapse: collapse; font-size: 14px; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
th, td { padding: 7px 12px 7px 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--ink-soft); font-weight: 500; vertical-align: bottom; }
th.number, td.number { padding: 7px 0 7px 12px; text-align: right; white-space: nowrap; }
td.text { min-width: 9em; overflow-wrap: break-word; }
td.text:not(:first-child), th.text:not(:first-child) { padding-left: 20px; }
.met { color: var(--good); font-weight: 600; white-space: nowrap; }
.missed { color: var(--bad); font-weight: 600; white-space: nowrap; }
code { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
pre { margin: 8px 0 0; padding: 12px 16px; border-radius: 8px; background: var(--card); white-space: pre-wrap; overflow-wrap: anywhere; }
footer { margin: 48px 0 0; padding: 16px 0 0; border-top: 1px solid var(--line); color: var(--ink-soft); font-size: 14px; }
#occupancy-live { display: none; }
.live #occupancy-live { display: block; }
/* The live chart has a legend of its own. */
.live figure:has(#occupancy-live) > svg, .live figure:has(#occupancy-live) > .legend { display: none; }
.uplot { color: var(--ink-soft); }
.uplot .u-legend { margin-top: 6px; font-size: 14px; text-align: left; }
.uplot .u-legend th { font-weight: 500; color: var(--ink); }
.uplot .u-legend .u-series > * { padding: 2px 6px; border: 0; }
.uplot .u-legend .u-series { margin-right: 10px; }
@media (max-width: 640px) {
  main { padding: 24px 18px 40px; }
  h1 { font-size: 27px; }
  svg.wide { display: none; }
  svg.narrow { display: block; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 8px; }
  .tiles li { padding: 10px 12px 12px; }
  .tiles .value { font-size: 21px; }
  .tiles li:last-child:nth-child(odd) { grid-column: 1 / -1; }
  section { margin: 36px 0 0; }
}
@page { margin: 16mm 15mm; }
@media print {
  :root {
    color-scheme: light;
    --paper: #ffffff; --card: #f3f4f6; --ink: #000000; --ink-soft: #444f5a; --line: #c9d0d7; --good: #0a6b42; --good-card: #e3f5ec; --bad: #a3201a; --bad-card: #fde8e6;
    --c1: #0072b2; --c2: #e69f00; --c3: #d55e00; --c4: #009e73; --c5: #cc79a7; --c6: #56b4e9; --c7: #8a6d1d; --c8: #7a3fb0; --c9: #9aa5b1;
  }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { font-size: 10pt; }
  h1 { font-size: 20pt; }
  h2 { font-size: 13pt; }
  figcaption, .legend { margin-bottom: 6px; }
  footer { margin-top: 24px; break-inside: avoid; }
  main { max-width: none; padding: 0; }
  svg.wide { display: block; }
  svg.narrow { display: none; }
  .live #occupancy-live { display: none; }
  .live figure:has(#occupancy-live) > svg.wide { display: block; }
  .live figure:has(#occupancy-live) > .legend { display: flex; }
  details:not([open]) { display: none; }
  .tiles { grid-template-columns: repeat(5, 1fr); gap: 8px; margin-top: 18px; }
  .tiles li { padding: 8px 11px 10px; }
  .tiles .value { font-size: 15pt; }
  .tiles .name, .tiles .more, .facts, table, .legend { font-size: 9pt; }
  section { margin-top: 20px; break-inside: avoid; }
  h2 { break-after: avoid; }
  figure, tr, .tiles li, .verdict { break-inside: avoid; }
  .table { overflow: visible; }
  th, td, th.number, td.number { padding-top: 4px; padding-bottom: 4px; }
}
`;
