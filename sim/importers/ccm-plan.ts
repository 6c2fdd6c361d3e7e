/** Scenarios from contact plans of the CORE contact plan manager: `a contact +start +end a b bit/s [loss %] [delay us] [jitter us]`, both ways, and `s loop 1` for a plan that begins again. */
import { planSyntax } from '../../plan/contact-plan.js';
import { contactsScenario } from './contacts-scenario.js';
import { Names } from './imported.js';
import type { Imported, ImportedContact, ImportInput } from './imported.js';

export function importCcm({ text, file }: ImportInput): Imported {
  const names = new Names();
  const contacts: ImportedContact[] = [];
  const losses = new Set<number>();
  let isLooped = false;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const words = line.split(/\s+/);
    const wrong = (expected: string): Error => planSyntax(file, index + 1, line, expected);
    if (words[0] === 's' && words[1] === 'loop') {
      if (!/^[01]$/.test(words[2] ?? '')) throw wrong('s loop 0 or s loop 1');
      isLooped = words[2] === '1';
    } else if (words[0] === 'a' && words[1] === 'contact') {
      const numbers = [words[2], words[3], ...words.slice(6)].map((word) => (/^\+?\d+(\.\d+)?$/.test(word ?? '') ? Number(word) : Number.NaN));
      const [startSec = 0, endSec = 0, bitsPerSec = Number.NaN, lossPercent = 0, delayUs = 0] = numbers;
      if (words.length < 7 || words.length > 10 || numbers.some(Number.isNaN) || endSec <= startSec || lossPercent > 100) throw wrong('a contact +start +end node node bit/s loss delay jitter');
      const [a, b] = [names.of(words[4] ?? ''), names.of(words[5] ?? '')];
      losses.add(lossPercent);
      for (const [from, to] of [[a, b], [b, a]] as const) contacts.push({ from, to, startSec, endSec, bitsPerSec, delaySec: delayUs / 1e6 });
    } else if (!['s', 'a'].includes(words[0] ?? '')) throw wrong('a contact, or s loop');
  }
  if (contacts.length === 0) throw planSyntax(file, 1, 'no contact', 'a plan with contacts');
  const lossPercent = Math.max(...losses);
  const notes = losses.size > 1 ? [`contacts differ in loss: all links have that of the worst, ${lossPercent} %`] : [];
  const loopSec = isLooped ? Math.max(...contacts.map(({ endSec }) => endSec)) : undefined;
  return contactsScenario({ name: 'ccm', about: `From the contact plan ${file} of CORE.`, contacts, loopSec, link: lossPercent > 0 ? { loss: { probability: `${lossPercent} %` } } : {}, notes });
}
