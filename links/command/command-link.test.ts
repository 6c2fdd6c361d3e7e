import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import t, { type Test } from 'tap';
import { ManualClock, systemClock } from '../../base/clock.js';
import { systemRandom } from '../../base/random.js';
import { benchOfThisMachine, UNITS_BEGIN_ANEW } from '../fault-line.test-helper.js';
import { runFaultSuite, type FaultBench, type FaultMedium } from '../fault.suite.js';
import type { Deliver } from '../link.js';
import { freightOf, runLinkSuite, sendNow, takeNothing, until, type LinkCase, type LinkPair } from '../link.suite.js';
import { PushedClock } from '../pushed-clock.test-helper.js';
import { bytesByName } from './file-name.js';
import { CommandLink, type CommandLinkOptions } from './command-link.js';

const SKIPS: Partial<Record<LinkCase, string>> = {
  'confirms only after the far end has dealt with the bytes': 'a file transfer confirms nothing: a receipt does',
  'says what the far end refused, by code': 'a file transfer brings no answer',
  'says what the far end refused before reading it': 'a file transfer brings no answer',
  'says when to try again': 'a file transfer brings no answer',
  'brings the answer home': 'an answer is freight of its own',
  'reads no further than the far end takes': 'the medium takes whole files',
  'tells the far end when bytes stop short': 'a file that is cut short is never taken',
  'carries on when the far end comes back': 'the medium takes files whoever is there',
};

/** Copies in place, byte after byte, as cp does: for a moment the inbox holds half a file. */
const COPY = 'test ! -e "$3" || { echo no carrier >&2; exit 1; }; cp "$1" "$2"';

interface Wishes extends Partial<CommandLinkOptions> {
  readonly dir: string;
  readonly script?: string;
  readonly arguments?: readonly string[];
}

function commandLink({ dir, script = COPY, arguments: more = [], ...rest }: Wishes): CommandLink {
  return new CommandLink({
    neighbour: 'shore',
    program: ['/bin/sh', '-c', script, 'sh', '{file}', ...more],
    environment: {},
    outbox: join(dir, 'outbox'),
    inbox: join(dir, 'inbox'),
    limitMs: 10_000,
    refusedExitCodes: [77],
    lookEveryMs: 20,
    largestBytes: 4 << 20,
    largestInBytes: 16 << 20,
    parallel: 2,
    ownEnvironment: process.env,
    clock: systemClock,
    random: systemRandom,
    log: () => undefined,
    ...rest,
  });
}

t.test('the suite of links', async (t) =>
  runLinkSuite(
    t,
    async (t): Promise<LinkPair> => {
      const dir = t.testdir({ near: {}, far: {} });
      const cut = join(dir, 'cut');
      const far = commandLink({ dir: join(dir, 'far') });
      const line = {
        cut: async () => writeFileSync(cut, ''),
        mend: async () => rmSync(cut),
        close: async () => undefined,
        async stranger(words: string | Uint8Array) {
          mkdirSync(join(dir, 'far/inbox'), { recursive: true });
          const name = `postern-${'0'.repeat(15)}${strangers++}-99999.bundle`;
          writeFileSync(join(dir, 'far/inbox', name), words);
          return { resetAndDestroy: () => undefined };
        },
      };
      let strangers = 0;
      return { near: commandLink({ dir: join(dir, 'near'), arguments: [join(dir, 'far/inbox'), cut] }), far, line, success: 'written' };
    },
    SKIPS,
  ),
);

t.test('command, under faults', async (t) =>
  runFaultSuite(t, makeBench, {
    'what came across before a cut is not sent again': UNITS_BEGIN_ANEW,
    'copies of everything bring nothing twice': 'a file is whole, and a copy another file: the gateway knows what it has',
    'what overtakes something on the way harms nothing': 'files are whole, and know no order',
  }),
);

/** Copies in place and in pieces: after each it says so, and waits for the word to go on, which never comes where the line is cut. */
const PIECE_BY_PIECE = 'cut="$3"; printf x >> "$6"; at=0; while [ $at -lt $4 ]; do test ! -e "$cut" || exit 1; tail -c +$((at + 1)) "$1" | head -c 40000 >> "$2/$(basename "$1")"; at=$((at + 40000)); echo $at > "$5.new"; mv "$5.new" "$5"; while [ -e "$5" ]; do sleep 0.01; done; done; test ! -e "$cut"';

async function makeBench(t: Test, deliver: Deliver, medium: FaultMedium): Promise<FaultBench> {
  const dir = t.testdir({ near: {}, far: {} });
  const [cut, said, tries] = [join(dir, 'cut'), join(dir, 'said'), join(dir, 'tries')];
  writeFileSync(tries, '');
  const clock = new PushedClock();
  const make = async (end: 'near' | 'far', deliverAt: Deliver): Promise<CommandLink> => {
    const link = commandLink({ dir: join(dir, end), script: PIECE_BY_PIECE, arguments: [join(dir, 'far/inbox'), cut, '{size}', said, tries], clock, parallel: 1 });
    t.teardown(() => link.stop());
    await link.start(deliverAt);
    return link;
  };
  let far = await make('far', deliver);
  let near = await make('near', takeNothing);
  const bench = benchOfThisMachine(clock);
  const listen = (): boolean => {
    if (!existsSync(said)) return false;
    medium.passes(40_000);
    rmSync(said);
    return false;
  };
  const cutOff = (): void => {
    medium.isCut = true;
    writeFileSync(cut, '');
  };
  const mend = (): void => {
    medium.isCut = false;
    rmSync(cut);
  };
  return {
    ...bench,
    get near() {
      return near;
    },
    unitBytes: 200_000,
    until: (condition) => bench.until(() => listen() || condition()),
    async pass(ms) {
      await bench.pass(ms);
      medium.tries = readFileSync(tries).length;
    },
    cut: cutOff,
    mend,
    async restart(end) {
      // Whoever is killed looks into no folder any more, and its program with it.
      if (end === 'far') {
        void far.stop();
        far = await make('far', deliver);
      } else {
        cutOff();
        const dead = near;
        near = await make('near', takeNothing);
        await dead.stop();
        mend();
      }
    },
    breakMs: 100,
    overhead: 0,
    // One program for each attempt.
    triesAMonth: 60,
  };
}

async function started(t: Test, wishes: Partial<Wishes> & { deliver?: Parameters<CommandLink['start']>[0] } = {}): Promise<{ link: CommandLink; dir: string; inbox: string; refused: string }> {
  const { deliver = takeNothing, ...rest } = wishes;
  const dir = wishes.dir ?? t.testdir();
  const link = commandLink({ dir, ...rest });
  t.teardown(() => link.stop());
  await link.start(deliver);
  return { link, dir, inbox: join(dir, 'inbox'), refused: join(dir, 'inbox/.postern/refused') };
}

t.test('tells success, a no, and nobody there apart by the exit code, with the first line the program says', async (t) => {
  const { link } = await started(t, { script: 'exit 0' });
  t.same(await sendNow(link, freightOf(10)), { kind: 'written' });
  for (const [script, expected] of [
    ['echo >&2; echo "no room \x1b[1m there" >&2; echo more >&2; exit 77', { kind: 'refused', code: 'exit-77', reason: /no room \?\[1m there$/ }],
    ['exit 1', { kind: 'unreachable', reason: /ended with 1\.$/ }],
    ['kill -9 $$', { kind: 'unreachable', reason: /killed by SIGKILL/ }],
    ['head -c 100000 /dev/zero | tr "\\0" x >&2; exit 3', { kind: 'unreachable', reason: /ended with 3: x{200}$/ }],
  ] as const) {
    const { link } = await started(t, { script, dir: t.testdir() });
    t.match(await sendNow(link, freightOf(10)), expected, script);
    await link.stop();
  }
});

t.test('a program that is not there, or is none, is nobody there', async (t) => {
  for (const program of ['/no/such/program', 'no-such-program', '/', '']) {
    const { link } = await started(t, { program: [program] });
    t.match(await sendNow(link, freightOf(10)), { kind: 'unreachable', reason: /cannot be run/ }, program);
    await link.stop();
  }
});

t.test('no shell looks at the arguments, and each placeholder says what it says', async (t) => {
  const dir = t.testdir();
  const { link } = await started(t, { dir, program: ['/bin/sh', '-c', 'printf "%s\\n" "$@" > ../said', 'sh', '{file}', '{name}:{size}', '--to={peer}', '$(touch pwned); `x`', '{other}', 'a b'] });
  t.same(await sendNow(link, freightOf(1234)), { kind: 'written' });
  const [file = '', nameAndSize = '', ...rest] = readFileSync(join(dir, 'said'), 'utf8').trim().split('\n');
  t.match(file, /outbox\/postern-[0-9a-f]{16}-1234\.bundle$/);
  t.equal(nameAndSize, `${file.split('/').at(-1)}:1234`);
  t.same(rest, ['--to=shore', '$(touch pwned); `x`', '{other}', 'a b']);
  t.notOk(existsSync(join(dir, 'outbox/pwned')));
});

t.test('the environment is the documented one and nothing of ours', async (t) => {
  const dir = t.testdir();
  const { link } = await started(t, { dir, script: 'env -0 > ../said', environment: { RCLONE_CONFIG: '/etc/r' }, ownEnvironment: { PATH: process.env['PATH'], HOME: '/root', SECRET: 'x', LD_PRELOAD: 'x' } });
  await sendNow(link, freightOf(1));
  const names = readFileSync(join(dir, 'said'), 'utf8').split('\0').map((line) => line.split('=')[0] ?? '');
  // What a shell adds, and the test runner, which puts itself into every process that is started.
  const ours = names.filter((name) => !['', '_', 'PWD', 'OLDPWD', 'SHLVL', 'NODE_OPTIONS'].includes(name) && !name.startsWith('_TAPJS'));
  t.same(ours.sort(), ['HOME', 'PATH', 'POSTERN_FILE', 'POSTERN_PEER', 'POSTERN_SIZE', 'RCLONE_CONFIG']);
});

t.test('a program that hangs is ended with all it started, first politely and then not', async (t) => {
  const dir = t.testdir();
  const clock = new ManualClock();
  const { link } = await started(t, { dir, clock, script: 'trap "" TERM; echo $$ > ../pids; (trap "" TERM; echo here >> ../pids; while :; do sleep 0.1; done) & wait; while :; do sleep 0.1; done' });
  const sending = sendNow(link, freightOf(10));
  await until(() => existsSync(join(dir, 'pids')) && readFileSync(join(dir, 'pids'), 'utf8').includes('here'));
  const group = Number(readFileSync(join(dir, 'pids'), 'utf8').split('\n')[0]);
  clock.advance(10_000);
  t.ok(isThere(group), 'a program that ignores SIGTERM goes on');
  clock.advance(5_000);
  t.match(await sending, { kind: 'unreachable', reason: /after 10000 ms/ });
  await until(() => !isThere(group));
  t.same(outboxOf(dir), [], 'and its file is gone');
});

t.test('a program is ended when the gateway stops', async (t) => {
  const dir = t.testdir();
  const { link } = await started(t, { dir, script: 'echo $$ > ../pid; exec sleep 60' });
  const stop = new AbortController();
  const sending = link.send(freightOf(10), stop.signal);
  await until(() => existsSync(join(dir, 'pid')) && readFileSync(join(dir, 'pid'), 'utf8') !== '');
  stop.abort();
  t.match(await sending, { kind: 'unreachable', reason: /given up/ });
});

t.test('a program that leaves something running has ended all the same', async (t) => {
  const { link } = await started(t, { script: 'sleep 5 & echo later >&2; exit 4' });
  t.match(await sendNow(link, freightOf(10)), { kind: 'unreachable', reason: /ended with 4: later/ });
});

t.test('what a killed gateway left in the outbox is swept at the start; what is not ours stays', async (t) => {
  const dir = t.testdir({ outbox: { 'postern-0123456789abcdef-3.bundle': 'old', 'notes.txt': 'mine', '.tmp-999999999-0-postern': 'half' } });
  await started(t, { dir });
  t.same(outboxOf(dir), ['notes.txt']);
});

t.test('a program may move its file away itself', async (t) => {
  const { link, dir } = await started(t, { script: 'mv "$1" ../moved' });
  t.same(await sendNow(link, freightOf(10)), { kind: 'written' });
  t.equal(readFileSync(join(dir, 'moved')).length, 10);
});

t.test('a disk that takes no file is nobody there, and harms nothing', async (t) => {
  const { link, dir } = await started(t);
  rmSync(join(dir, 'outbox'), { recursive: true });
  t.match(await sendNow(link, freightOf(10)), { kind: 'unreachable', reason: /could not be written/ });
  t.equal(link.status().state, 'down');
  mkdirSync(join(dir, 'outbox'));
  t.match(await sendNow(link, freightOf((4 << 20) + 1)), { kind: 'refused', code: 'too-large' });
});

t.test('an inbox that cannot be, or a link where our own folder should be, stops the start', async (t) => {
  for (const [inbox, dir] of [
    ['a file', t.testdir({ inbox: 'x' })],
    ['a link', t.testdir({ inbox: { '.postern': t.fixture('symlink', '/tmp') } })],
  ] as const) {
    await t.rejects(commandLink({ dir }).start(takeNothing), { code: 'LINK_FOLDER' }, inbox);
  }
});

function outboxOf(dir: string): string[] {
  return readdirSync(join(dir, 'outbox')).sort();
}

function isThere(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}

t.test('names of files say how long they are', async (t) => {
  t.equal(bytesByName('postern-0123456789abcdef-42.bundle'), 42);
  for (const name of ['postern-0123456789abcdef-042.bundle', 'postern-0123456789ABCDEF-4.bundle', '.postern-0123456789abcdef-4.bundle.Xy', 'postern-0123456789abcdef-4.bundle.part', 'postern-0123456789abcdef-9999999999999999.bundle', 'x']) {
    t.equal(bytesByName(name), undefined, name);
  }
});


t.test('files that were refused are counted, and the status says why the last one was', async (t) => {
  const { link, inbox } = await started(t, { lookEveryMs: 10 });
  t.same(link.status().limits, [{ name: 'refused files kept', unit: 'count', used: 0, most: 64, refused: 0 }]);
  writeFileSync(join(inbox, 'postern-0123456789abcdef-999999999.bundle'), 'x');
  await until(() => link.status().lastError !== undefined);
  t.match(link.status(), { lastError: /was refused: too-large/, limits: [{ used: 1, refused: 1 }] });
});
