/**
 * Scenarios from event files of the ONE: `time CONN a b up` and `down` make links that come and go as their carriers
 * meet, `time C id from to size` makes mail. Times are seconds and sizes bytes; nodes go by number.
 */
import { planSyntax } from '../../plan/contact-plan.js';
import { contactsScenario, domainOf } from './contacts-scenario.js';
import { Names } from './imported.js';
import type { Imported, ImportedContact, ImportInput, ImportTerms } from './imported.js';

/** What a ONE of today sends as usual, by Bluetooth. */
const USUAL_RATE = '250 kB/s';
/** Events of the ONE that its router makes by itself, and ours too. */
const PASSED_OVER = new Set(['S', 'DE', 'DR', 'A', 'R', 'D']);

interface OneEvent {
  readonly file: string;
  readonly line: number;
  readonly sec: number;
  readonly kind: string;
  readonly words: readonly string[];
}

/** Several files are one story: connections and messages are often apart. */
export function importOne(inputs: readonly ImportInput[], { rate = USUAL_RATE }: ImportTerms): Imported {
  const names = new Names();
  const events = inputs.flatMap(eventsIn).sort((a, b) => a.sec - b.sec);
  const contacts: ImportedContact[] = [];
  const mail: string[] = [];
  const since = new Map<string, number>();
  const nodes = new Set<string>();
  const notes: string[] = [];
  const node = (word: string | undefined): string => {
    const name = names.of(word ?? '');
    nodes.add(name);
    return name;
  };
  const close = (pair: string, endSec: number): void => {
    const startSec = since.get(pair);
    since.delete(pair);
    if (startSec === undefined || endSec <= startSec) return;
    const [a, b] = pair.split(' ') as [string, string];
    contacts.push({ from: a, to: b, startSec, endSec }, { from: b, to: a, startSec, endSec });
  };
  for (const event of events) {
    const { sec, kind, words } = event;
    if (kind === 'CONN') {
      if (words.length !== 3 || (words[2] !== 'up' && words[2] !== 'down') || words[0] === words[1]) throw wrong(event, 'time CONN node node up|down');
      const pair = [node(words[0]), node(words[1])].sort().join(' ');
      if (words[2] === 'down') close(pair, sec);
      else if (!since.has(pair)) since.set(pair, sec);
    } else if (kind === 'C') {
      if (words.length < 4 || !/^\d+$/.test(words[3] ?? '')) throw wrong(event, 'time C id from to bytes');
      mail.push(`${sec} ${domainOf(node(words[1]))} ${domainOf(node(words[2]))} ${words[3] ?? ''}`);
    } else if (!PASSED_OVER.has(kind)) throw wrong(event, 'CONN or C');
  }
  const lastSec = events.at(-1)?.sec ?? 0;
  const left = [...since.keys()];
  for (const pair of left) close(pair, lastSec + 1);
  if (left.length > 0) notes.push(`${left.length} connections are up when the events end, and go down with them`);
  if (contacts.length === 0) notes.push('there is no connection (CONN) in these events: give the file that has them, too, or add links');
  const file = inputs.map((input) => input.file).join(', ');
  if (nodes.size === 0) throw planSyntax(file, 1, 'no event', 'CONN and C events');
  return contactsScenario({ name: 'one', about: `From events of the ONE, ${file}: node 5 is n5.`, contacts, nodes: [...nodes].sort(), link: { rate }, events: mail.length === 0 ? undefined : `${mail.join('\n')}\n`, endSec: lastSec + 1, notes });
}

function eventsIn({ text, file }: ImportInput): OneEvent[] {
  return text.split(/\r?\n/).flatMap((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return [];
    const [time = '', kind = '', ...words] = line.split(/\s+/);
    if (!/^\d{1,12}(\.\d+)?$/.test(time) || kind === '') throw planSyntax(file, index + 1, line, 'seconds, and what happens then,');
    return [{ file, line: index + 1, sec: Number(time), kind, words }];
  });
}

function wrong({ file, line, sec, kind, words }: OneEvent, expected: string): Error {
  return planSyntax(file, line, [sec, kind, ...words].join(' '), expected);
}
