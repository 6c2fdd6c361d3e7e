import { appendFileSync, chmodSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import t, { type Test } from 'tap';
import { ManualClock } from '../../base/clock.js';
import type { Arrival, Deliver, DeliverResult } from '../link.js';
import { Inbox } from './inbox.js';
import { MOST_BYTES, MOST_FILES, quarantine } from './quarantine.js';

const DAY_MS = 86_400_000;

function nameOf(bytes: number, id = 0): string {
  return `postern-${String(id).padStart(16, '0')}-${bytes}.bundle`;
}

interface TestInbox {
  readonly folder: string;
  readonly clock: ManualClock;
  readonly taken: string[];
  readonly refusals: string[];
  /** What the gateway says to the next files; taken after that. */
  readonly answers: (DeliverResult | Error)[];
  look(): Promise<void>;
  put(name: string, content: string): void;
  here(): string[];
  ours(folder: 'claimed' | 'refused'): string[];
}

async function inbox(t: Test, folder = join(t.testdir(), 'inbox')): Promise<TestInbox> {
  const clock = new ManualClock();
  const taken: string[] = [];
  const refusals: string[] = [];
  const answers: (DeliverResult | Error)[] = [];
  const box = new Inbox({ folder, neighbour: 'shore', largestBytes: 1000, clock, onTaken: () => undefined, onRefused: (name, reason) => refusals.push(`${name} ${reason}`) });
  await box.open();
  const deliver: Deliver = async (arrival) => {
    const text = await textOf(arrival);
    const answer = answers.shift() ?? { kind: 'taken' };
    if (answer instanceof Error) throw answer;
    if (answer.kind === 'taken') taken.push(text);
    return answer;
  };
  return {
    folder,
    clock,
    taken,
    refusals,
    answers,
    look: () => box.look(deliver, () => false),
    put: (name, content) => writeFileSync(join(folder, name), content),
    here: () => readdirSync(folder).filter((name) => name !== '.postern').sort(),
    ours: (name) => readdirSync(join(folder, '.postern', name)).sort(),
  };
}

async function textOf({ bytes, peer }: Arrival): Promise<string> {
  let text = '';
  for await (const chunk of bytes) text += Buffer.from(chunk).toString();
  return `${peer ?? ''}:${text}`;
}

t.test('takes a file that has its length and has stood still from one look to the next', async (t) => {
  const box = await inbox(t);
  box.put(nameOf(5), 'whole');
  await box.look();
  t.same(box.taken, [], 'not at the first look');
  await box.look();
  t.same(box.taken, ['shore:whole']);
  t.same([box.here(), box.ours('claimed'), box.ours('refused')], [[], [], []], 'and nothing is left of it');
});

t.test('waits for the rest of a file, however long its writer takes', async (t) => {
  const box = await inbox(t);
  box.put(nameOf(6), 'on');
  for (const more of ['e', 'tw']) {
    await box.look();
    await box.look();
    appendFileSync(join(box.folder, nameOf(6)), more);
    box.clock.advance(DAY_MS - 1);
  }
  await box.look();
  appendFileSync(join(box.folder, nameOf(6)), 'o');
  await box.look();
  await box.look();
  t.same(box.taken, ['shore:onetwo']);
});

t.test('puts away what has been cut short for a day, and what is longer than its name', async (t) => {
  const box = await inbox(t);
  box.put(nameOf(6, 1), 'short');
  box.put(nameOf(6, 2), 'longer!');
  await box.look();
  box.clock.advance(DAY_MS - 1);
  await box.look();
  t.same(box.here(), [nameOf(6, 1)]);
  box.clock.advance(1);
  await box.look();
  t.same(box.here(), []);
  t.match(box.refusals, [/wrong-size: the file has 7 bytes/, /cut-short: the file has had 5 bytes of 6/]);
});

t.test('a size limit holds at its edge, before anything is read', async (t) => {
  const box = await inbox(t);
  box.put(nameOf(1000, 1), 'x'.repeat(1000));
  box.put(nameOf(1001, 2), '');
  await box.look();
  await box.look();
  t.equal(box.taken.length, 1);
  t.match(box.refusals, [/too-large/]);
});

t.test('touches nothing that is not ours by name and kind', async (t) => {
  const box = await inbox(t);
  const foreign = ['letter.txt', `.${nameOf(5)}.Ab12`, `${nameOf(5)}.partial`, nameOf(5, 1), nameOf(5, 2), nameOf(5, 3)];
  for (const name of foreign.slice(0, 3)) box.put(name, 'whole');
  symlinkSync('letter.txt', join(box.folder, foreign[3]!));
  mkdirSync(join(box.folder, foreign[4]!));
  linkSync(join(box.folder, 'letter.txt'), join(box.folder, foreign[5]!));
  for (let look = 0; look < 3; look++) await box.look();
  t.same(box.here(), [...foreign].sort());
  t.same(box.taken, []);
  t.equal(readFileSync(join(box.folder, 'letter.txt'), 'utf8'), 'whole');
});

t.test('a symlink that is put in the place of a file while it is looked at is not followed', async (t) => {
  const box = await inbox(t);
  writeFileSync(join(box.folder, 'secret'), 'abcde');
  symlinkSync(join(box.folder, 'secret'), join(box.folder, '.postern/claimed', nameOf(5)));
  await box.look();
  t.same(box.taken, []);
  t.match(box.refusals, [/unreadable/]);
});

t.test('what was refused lies in the quarantine with its reason', async (t) => {
  const box = await inbox(t);
  box.answers.push({ kind: 'refused', code: 'WIRE_CRC' });
  box.put(nameOf(5), 'wrong');
  await box.look();
  await box.look();
  t.same(box.ours('refused'), [nameOf(5), `${nameOf(5)}.reason.txt`]);
  t.equal(readFileSync(join(box.folder, '.postern/refused', `${nameOf(5)}.reason.txt`), 'utf8'), 'WIRE_CRC\n');
});

t.test('a fault of our own is no fault of the file: it is tried again, also after a crash', async (t) => {
  const box = await inbox(t);
  box.answers.push({ kind: 'refused', code: 'STORE_IO' }, { kind: 'refused', code: 'no-resources', retryAfterMs: 1000 }, new Error('killed here'));
  box.put(nameOf(5), 'whole');
  await box.look();
  for (const expected of ['stays', 'stays', 'crashes']) {
    if (expected === 'crashes') await t.rejects(box.look(), { message: 'killed here' });
    else await box.look();
    t.same(box.ours('claimed'), [nameOf(5)]);
  }
  const next = await inbox(t, box.folder);
  await next.look();
  t.same(next.taken, ['shore:whole']);
  t.same(next.ours('claimed'), []);
});

t.test('a file that comes twice is delivered twice: who keeps custody knows duplicates', async (t) => {
  const box = await inbox(t);
  for (let round = 0; round < 2; round++) {
    box.put(nameOf(5), 'whole');
    await box.look();
    await box.look();
  }
  t.equal(box.taken.length, 2);
});

t.test('one that cannot be read keeps none waiting', { skip: process.getuid?.() === 0 ? 'root reads everything' : false }, async (t) => {
  const box = await inbox(t);
  box.put(nameOf(5, 1), 'whole');
  chmodSync(join(box.folder, nameOf(5, 1)), 0);
  box.put(nameOf(5, 2), 'other');
  await box.look();
  await box.look();
  t.same(box.taken, ['shore:other']);
});

t.test('a file that its bringer takes away again, or renames into place, is met at any moment', async (t) => {
  const box = await inbox(t);
  box.put('.incoming', 'whole');
  renameSync(join(box.folder, '.incoming'), join(box.folder, nameOf(5)));
  await box.look();
  renameSync(join(box.folder, nameOf(5)), join(box.folder, nameOf(5, 9)));
  await box.look();
  t.same(box.taken, []);
  await box.look();
  t.same(box.taken, ['shore:whole']);
});

t.test('an inbox that has gone away is a fault of that look, and of no other', async (t) => {
  const box = await inbox(t);
  renameSync(box.folder, `${box.folder}.away`);
  await t.rejects(box.look(), { code: 'ENOENT' });
  renameSync(`${box.folder}.away`, box.folder);
  box.put(nameOf(5), 'whole');
  await box.look();
  await box.look();
  t.same(box.taken, ['shore:whole']);
});

t.test('the quarantine is bounded by number and by bytes, and a file too large for it leaves its reason', async (t) => {
  const dir = t.testdir({ in: {}, refused: {} });
  const refused = join(dir, 'refused');
  for (let n = 0; n < 2 * MOST_FILES + 20; n++) {
    writeFileSync(join(dir, 'in', 'x'), 'x');
    await quarantine(refused, join(dir, 'in', 'x'), nameOf(1, n), 'why');
  }
  const left = readdirSync(refused).filter((name) => name.endsWith('.bundle'));
  t.equal(left.length, MOST_FILES);
  t.ok(existsSync(join(refused, nameOf(1, 2 * MOST_FILES + 19))), 'the newest stays');
  t.ok(readdirSync(refused).length <= 3 * MOST_FILES);
  writeFileSync(join(dir, 'in', 'x'), '');
  truncateSync(join(dir, 'in', 'x'), MOST_BYTES + 1);
  await quarantine(refused, join(dir, 'in', 'x'), nameOf(MOST_BYTES + 1), 'too-large');
  t.same(readdirSync(refused).filter((name) => name.includes(String(MOST_BYTES + 1))), [`${nameOf(MOST_BYTES + 1)}.reason.txt`]);
});
