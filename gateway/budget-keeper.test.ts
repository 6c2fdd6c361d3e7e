import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import t from 'tap';
import type { BudgetTerms } from '../plan/budget.js';
import { BudgetKeeper } from './budget-keeper.js';
import type { LedgerFile } from './budget-keeper.js';
import { ledgerFile } from './ledger-file.js';
import type { Log } from './log.js';

const NOW_MS = Date.UTC(2026, 5, 24, 12);
const TERMS: BudgetTerms = { price: { perMegabyte: 0, perMinute: 0, perSession: 1, minimum: 0, stepBytes: 1 }, limits: [{ per: 'day', bytes: 1000 }], alertPercent: 80, monthBeginsOn: 1 };

function listening(): { readonly log: Log; readonly told: string[] } {
  const told: string[] = [];
  const tell = (event: string): void => void told.push(event);
  return { log: { debug: () => undefined, info: () => undefined, warn: tell, error: tell }, told };
}

function open(file: LedgerFile, log = listening().log, nowMs = (): number => NOW_MS): Promise<BudgetKeeper> {
  return BudgetKeeper.open({ link: 'shore/burst', terms: TERMS, currency: 'EUR', file, nowMs, log });
}

t.test('refuses what no limit leaves room for, and says when to ask again', async (t) => {
  const { log, told } = listening();
  const keeper = await open(ledgerFile(t.testdir(), 'shore/burst'), log);
  t.equal(keeper.leftBytes(), 1000);
  t.match(await keeper.spend({ bytes: 900 }), { kind: 'allowed' });
  t.match(await keeper.spend({ bytes: 101 }), { kind: 'refused', reason: "the day's bytes are spent: 900 of 1000", retryAfterMs: 12 * 3_600_000 });
  t.match(await keeper.spend({ bytes: 100 }), { kind: 'allowed' });
  t.equal(keeper.spentUntilMs(), Date.UTC(2026, 5, 25));
  t.match(keeper.status(), { lines: [{ state: 'spent' }], currency: 'EUR', month: { bytes: 1000 } });
  t.same(told, ['a budget is nearly spent', 'a budget is spent'], 'each once');
});

t.test('the operator may lift it, for a time, over a restart', async (t) => {
  const dir = t.testdir();
  const keeper = await open(ledgerFile(dir, 'shore/burst'));
  await keeper.spend({ bytes: 1000 });
  await keeper.lift(NOW_MS + 60_000);
  t.match(await keeper.spend({ bytes: 5000 }), { kind: 'allowed' });
  const again = await open(ledgerFile(dir, 'shore/burst'));
  t.match(again.status(), { liftedUntilMs: NOW_MS + 60_000 });
  t.match(await again.spend({ bytes: 1 }), { kind: 'allowed' });
  t.match(await (await open(ledgerFile(dir, 'shore/burst'), undefined, () => NOW_MS + 60_000)).spend({ bytes: 1 }), { kind: 'refused' });
});

t.test('what turns out cheaper is given back, once', async (t) => {
  const keeper = await open(ledgerFile(t.testdir(), 'shore/burst'));
  const spending = await keeper.spend({ bytes: 1000, sessions: 3 });
  if (spending.kind !== 'allowed') throw new Error('refused');
  await spending.settle({ bytes: 200, sessions: 1 });
  await spending.settle({ bytes: 0 });
  t.match(keeper.status().month, { bytes: 200, sessions: 1, money: 1 });
});

t.test('allows nothing that it cannot write down', async (t) => {
  const { log, told } = listening();
  let fails = true;
  const file: LedgerFile = { name: 'ledger', read: async () => undefined, write: async () => (fails ? Promise.reject(new Error('ENOSPC')) : undefined) };
  const keeper = await open(file, log);
  t.match(await keeper.spend({ bytes: 1000 }), { kind: 'refused', reason: 'the ledger cannot be written' });
  t.same(told, ['the ledger cannot be written']);
  fails = false;
  t.match(await keeper.spend({ bytes: 1000 }), { kind: 'allowed' }, 'the refused one was not counted');
});

t.test('a ledger that is damaged stops the start', async (t) => {
  const dir = t.testdir({ budget: { 'shore.burst.json': '{"version":1,' } });
  await t.rejects(open(ledgerFile(dir, 'shore/burst')), { code: 'GATEWAY_LEDGER', data: { link: 'shore/burst' } });
});

t.test('many at once share their writes, and each is on disk before it is allowed', async (t) => {
  const dir = t.testdir();
  const real = ledgerFile(dir, 'shore/burst');
  let writes = 0;
  const keeper = await open({ ...real, write: (bytes) => ((writes += 1), real.write(bytes)) });
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      t.equal((await keeper.spend({ bytes: 10 })).kind, 'allowed');
      const kept = JSON.parse(await readFile(join(dir, 'budget/shore.burst.json'), 'utf8')) as { periods: { day: { spent: { bytes: number } } } };
      t.ok(kept.periods.day.spent.bytes >= 10);
    }),
  );
  t.equal(keeper.leftBytes(), 500);
  t.ok(writes < 50, `${writes} writes`);
});

/** Spends as fast as it can, and says each time what it was allowed, after the fact. */
const SPENDER = `
import { BudgetKeeper } from '${new URL('./budget-keeper.js', import.meta.url).href}';
import { ledgerFile } from '${new URL('./ledger-file.js', import.meta.url).href}';
const log = { debug() {}, info() {}, warn() {}, error() {} };
const terms = { price: { perMegabyte: 0, perMinute: 6, perSession: 1, minimum: 0, stepBytes: 1 }, limits: [], alertPercent: 80, monthBeginsOn: 1 };
const keeper = await BudgetKeeper.open({ link: 'shore/burst', terms, currency: 'EUR', file: ledgerFile(process.argv[2], 'shore/burst'), nowMs: () => ${NOW_MS}, log });
for (;;) { await keeper.spend({ bytes: 7, ms: 30_000, sessions: 1 }); process.stdout.write('spent\\n'); }
`;

t.test('counts no byte, minute, session or money too little when it is killed', async (t) => {
  const dir = t.testdir({ 'spender.mjs': SPENDER, data: {} });
  let said = 0;
  for (let round = 0; round < 3; round += 1) {
    const child = spawn(process.execPath, [join(dir, 'spender.mjs'), join(dir, 'data')], { stdio: ['ignore', 'pipe', 'inherit'] });
    let lines = 0;
    for await (const _ of createInterface(child.stdout)) {
      said += 1;
      lines += 1;
      if (lines === 5 + 3 * round) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    const keeper = await open(ledgerFile(join(dir, 'data'), 'shore/burst'));
    const { bytes, minutes, sessions, money } = keeper.status().month;
    t.ok(bytes >= 7 * said && minutes >= said / 2 && sessions >= said && money >= 4 * said, `${bytes} B, ${minutes} min, ${sessions} sessions, ${money} EUR counted; ${said} allowed`);
  }
});
