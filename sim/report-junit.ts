/** A report as JUnit XML, which CI servers read: a case for each rule that was watched, and one for each expectation. */
import { formatDuration } from '../base/figure-text.js';
import { RULES } from './checks.js';
import { measureText } from './expectations.js';
import { html } from './markup.js';
import type { Report } from './report.js';

interface Case {
  readonly name: string;
  readonly failures: readonly string[];
}

/** @param again the command that makes the same run again */
export function junitOf(report: Report, again: string): string {
  const cases = [...Object.entries(RULES).map(([rule, means]) => ruleCase(rule, means, report)), ...report.expectations.map(({ what, unit, wanted, found, met }): Case => ({ name: `${what} ${measureText(wanted, unit)}`, failures: met ? [] : [`found ${measureText(found, unit)}. Again: ${again}`] }))];
  const failures = cases.filter((each) => each.failures.length > 0).length;
  const sec = (report.speed?.wallSec ?? 0).toFixed(3);
  const properties = { seed: report.seed, trace: report.trace.hash, events: report.events, again };
  return html`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="postern sim" tests="${cases.length}" failures="${failures}" errors="0" time="${sec}">
<testsuite name="${report.scenario}" tests="${cases.length}" failures="${failures}" errors="0" skipped="0" time="${sec}">
<properties>${Object.entries(properties).map(([name, value]) => html`<property name="${name}" value="${value}"/>`)}</properties>
${cases.map((each) => html`<testcase classname="${report.scenario}" name="${each.name}" time="0">${each.failures.map((text) => html`<failure message="${text}"/>`)}</testcase>
`)}</testsuite>
</testsuites>
`.text;
}

function ruleCase(rule: string, means: string, { violations }: Report): Case {
  const broken = violations.filter((violation) => violation.rule === rule);
  return { name: `${rule}: ${means}`, failures: broken.map(({ node, timeUs, text }) => `${node}, ${formatDuration(timeUs / 1000)} in: ${text}`) };
}
