import t from 'tap';
import { concatBytes, fromHex, toHex } from '../../base/bytes.js';
import { PosternError } from '../../base/errors.js';
import { Session, type SessionOptions } from './session.js';
import type { SessionOutput } from './session-output.js';
import type { SessionTerms } from './session-terms.js';

const TERMS: SessionTerms = { nodeId: 'ipn:2.0', keepaliveSec: 15, segmentMruBytes: 100_000, transferMruBytes: 1_000_000, inboundTransfers: 4, progressMs: 60_000, drainMs: 5_000 };
const HANDSHAKE_MS = 10_000;
const START_MS = 1000;

const CONTACT = '64746e210400';
/** Keepalive 17, segment MRU 200,000, transfer MRU 10,000,000, ipn:1.0. */
const INIT = '0700110000000000030d400000000000989680000769706e3a312e3000000000';
const KEEPALIVE = '04';

function bytesOf(hex: string): Uint8Array {
  return fromHex(hex.replaceAll(' ', ''))!;
}

/** What the session wants written, as hex. */
function sent(outputs: readonly SessionOutput[]): string {
  return toHex(concatBytes(...outputs.flatMap((output) => (output.kind === 'send' ? output.parts : []))));
}

function kinds(outputs: readonly SessionOutput[]): string[] {
  return outputs.map((output) => output.kind);
}

function closing(outputs: readonly SessionOutput[]): { reason: string; error?: PosternError } | undefined {
  return outputs.find((output) => output.kind === 'close');
}

function passive(options: Partial<SessionOptions> = {}): Session {
  return new Session({ role: { side: 'passive' }, canTls: false, handshakeMs: HANDSHAKE_MS, ...options }, START_MS);
}

/** A passive session, established with a peer that said `init`. */
function established(terms: Partial<SessionTerms> = {}, init = INIT): Session {
  const session = passive();
  session.receive(bytesOf(CONTACT), START_MS);
  t.same(kinds(session.receive(bytesOf(init), START_MS)), ['introduced']);
  t.match(session.admit({ ...TERMS, ...terms }, START_MS), [{ kind: 'send' }, { kind: 'established' }]);
  return session;
}

function segment(flags: number, id: number, data: string, extensions = ''): string {
  const u = (value: number, bytes: number): string => value.toString(16).padStart(2 * bytes, '0');
  return `01${u(flags, 1)}${u(id, 8)}${(flags & 2) === 0 ? '' : u(extensions.length / 2, 4) + extensions}${u(data.length / 2, 8)}${data}`;
}

function ack(flags: number, id: number, bytes: number): string {
  return `02${flags.toString(16).padStart(2, '0')}${id.toString(16).padStart(16, '0')}${bytes.toString(16).padStart(16, '0')}`;
}

function refusal(reason: number, id: number): string {
  return `03${reason.toString(16).padStart(2, '0')}${id.toString(16).padStart(16, '0')}`;
}

t.test('the passive side speaks only after the active side has', async (t) => {
  const session = passive();
  t.same(session.start(START_MS), []);
  t.same(session.receive(bytesOf(CONTACT.slice(0, 6)), START_MS), []);
  t.equal(sent(session.receive(bytesOf(CONTACT.slice(6)), START_MS)), CONTACT);
});

t.test('the active side greets at once, and names itself when the peer has greeted', async (t) => {
  const session = new Session({ role: { side: 'active', terms: TERMS }, canTls: false, handshakeMs: HANDSHAKE_MS }, START_MS);
  t.equal(sent(session.start(START_MS)), CONTACT);
  t.equal(sent(session.receive(bytesOf(CONTACT), START_MS)), '07000f00000000000186a000000000000f4240000769706e3a322e3000000000');
  t.notOk(session.open);
  const outputs = session.receive(bytesOf(INIT), START_MS);
  t.same(outputs, [{ kind: 'established', peer: { nodeId: 'ipn:1.0', keepaliveSec: 15, segmentMtuBytes: 200_000, transferMtuBytes: 10_000_000 } }]);
  t.ok(session.open);
});

t.test('reserved bits of the contact header and of flags are ignored', async (t) => {
  const session = passive();
  t.equal(sent(session.receive(bytesOf('64746e2104fe'), START_MS)), CONTACT);
  t.same(kinds(session.receive(bytesOf(INIT), START_MS)), ['introduced']);
  session.admit(TERMS, START_MS);
  t.same(kinds(session.receive(bytesOf(segment(0xff, 0, 'aa')), START_MS)), ['arrival', 'arrival-data', 'arrival-end']);
  t.equal(sent(session.accept(0n, START_MS)), ack(0xff, 0, 1), 'and given back in the acknowledgement');
});

t.test('answers another version with its own header and the reason, and ends', async (t) => {
  for (const version of ['03', '05', '00', 'ff']) {
    const outputs = passive().receive(bytesOf(`64746e21${version}00`), START_MS);
    t.equal(sent(outputs), `${CONTACT}050002`);
    t.match(closing(outputs), { error: { code: 'LINK_PROTOCOL' } });
  }
  const active = new Session({ role: { side: 'active', terms: TERMS }, canTls: false, handshakeMs: HANDSHAKE_MS }, START_MS);
  active.start(START_MS);
  t.same(kinds(active.receive(bytesOf('64746e210300'), START_MS)), ['close'], 'the active side just closes');
});

t.test('closes without a word on a wrong magic, at the first wrong byte', async (t) => {
  for (const hex of ['47', '6574', '64746e22', '1603010200']) {
    const outputs = passive().receive(bytesOf(hex), START_MS);
    t.same(kinds(outputs), ['close'], hex);
  }
});

t.test('turns TLS on when both can, and gives what follows the header to TLS', async (t) => {
  const session = passive({ canTls: true, plainFault: plainFault() });
  const outputs = session.receive(bytesOf('64746e2104010500ff'), START_MS);
  t.same(kinds(outputs), ['send', 'secure']);
  t.equal(sent(outputs), '64746e210401');
  t.equal(toHex(session.takeRest()), '0500ff', 'a SESS_TERM in the clear is not obeyed');
  t.same(session.secured(START_MS), []);
  t.same(kinds(session.receive(bytesOf(INIT), START_MS)), ['introduced']);
});

t.test('does not go on in the clear when it must not', async (t) => {
  for (const canTls of [true, false]) {
    const outputs = passive({ canTls, plainFault: plainFault() }).receive(bytesOf(canTls ? '64746e210400' : '64746e210401'), START_MS);
    t.equal(sent(outputs), `64746e21040${canTls ? 1 : 0}050004`, 'contact failure');
    t.match(closing(outputs), { error: { code: 'LINK_PLAIN' } });
  }
});

t.test('stays in the clear when either side has no TLS and that is allowed', async (t) => {
  t.same(kinds(passive({ canTls: true }).receive(bytesOf('64746e210400'), START_MS)), ['send']);
  t.same(kinds(passive({ canTls: false }).receive(bytesOf('64746e210401'), START_MS)), ['send']);
});

t.test('takes the smaller of the two keepalive intervals, and none when either wants none', async (t) => {
  for (const [mine, theirs, both] of [[15, '0011', 15], [30, '0011', 17], [0, '0011', 0], [15, '0000', 0]] as const) {
    const session = passive();
    session.receive(bytesOf(CONTACT), START_MS);
    session.receive(bytesOf(`07${theirs}${INIT.slice(6)}`), START_MS);
    t.match(session.admit({ ...TERMS, keepaliveSec: mine }, START_MS).at(-1), { kind: 'established', peer: { keepaliveSec: both } });
  }
});

t.test('takes MRUs without end as they are', async (t) => {
  const session = passive();
  session.receive(bytesOf(`${CONTACT}07000affffffffffffffffffffffffffffffff000969706e3a3130302e3000000000`), START_MS);
  t.match(session.admit(TERMS, START_MS).at(-1), { kind: 'established', peer: { segmentMtuBytes: Number.MAX_SAFE_INTEGER, transferMtuBytes: Number.MAX_SAFE_INTEGER } });
});

t.test('turns down greetings nobody could work with, as a contact failure', async (t) => {
  const cases: [string, string, string][] = [
    ['a segment MRU of nothing', '0700110000000000000000000000000098968000000000 0000', 'LINK_PROTOCOL'],
    ['segments of one byte', '0700110000000000000001000000000098968000000000 0000', 'LINK_PROTOCOL'],
    ['a transfer MRU of nothing', '0700110000000000030d400000000000000000 000000000000', 'LINK_PROTOCOL'],
    ['a critical item nobody knows', '0700110000000000030d400000000000989680 0000 00000006 01 00ff 0001 00', 'LINK_PROTOCOL'],
    ['an item longer than all items', '0700110000000000030d400000000000989680 0000 00000006 00 00ff 0002 00', 'LINK_PROTOCOL'],
    ['an item cut in its head', '0700110000000000030d400000000000989680 0000 00000003 00 00ff', 'LINK_PROTOCOL'],
    ['items without end', '0700110000000000030d400000000000989680 0000 ffffffff', 'LINK_LIMIT'],
    ['a node id that is no text', '0700110000000000030d400000000000989680 0002 c328 00000000', 'LINK_PROTOCOL'],
    ['a node id without end', '0700110000000000030d400000000000989680 ffff', 'LINK_LIMIT'],
  ];
  for (const [name, hex, code] of cases) {
    const active = new Session({ role: { side: 'active', terms: TERMS }, canTls: false, handshakeMs: HANDSHAKE_MS }, START_MS);
    active.start(START_MS);
    active.receive(bytesOf(CONTACT), START_MS);
    const outputs = active.receive(bytesOf(hex), START_MS);
    t.equal(sent(outputs), '050004', name);
    t.match(closing(outputs), { error: { code } }, name);
  }
  const session = passive();
  session.receive(bytesOf(CONTACT + cases[3]![1].replaceAll(' ', '')), START_MS);
  t.match(closing(session.admit(TERMS, START_MS)), { error: { code: 'LINK_PROTOCOL' } }, 'on the passive side, too');
});

t.test('skips session extension items nobody knows when they are not critical', async (t) => {
  const session = passive();
  session.receive(bytesOf(`${CONTACT}0700110000000000030d400000000000989680 0000 0000000b fe00ff0001aa fe00fe0000`), START_MS);
  t.same(kinds(session.admit(TERMS, START_MS)), ['send', 'established']);
});

t.test('ends at a message that has no place before the session is established', async (t) => {
  for (const [hex, reply] of [[segment(3, 0, 'aa'), '060301'], [KEEPALIVE, '060304'], ['99', '060199'], [ack(0, 0, 0), '060302']] as const) {
    const outputs = passive().receive(bytesOf(CONTACT + hex), START_MS);
    t.equal(sent(outputs), CONTACT + reply, 'says so with MSG_REJECT');
    t.ok(closing(outputs));
  }
});

t.test('is told by the peer that it is not wanted', async (t) => {
  const outputs = passive().receive(bytesOf(`${CONTACT}050003`), START_MS);
  t.equal(sent(outputs), `${CONTACT}050103`);
  t.match(closing(outputs), { reason: /busy/ });
});

t.test('turns a peer away when asked to', async (t) => {
  const session = passive();
  session.receive(bytesOf(CONTACT + INIT), START_MS);
  const outputs = session.terminate('contact-failure', START_MS);
  t.equal(sent(outputs), '050004');
  t.ok(closing(outputs));
});

t.test('acknowledges each segment with the sum so far, and the last when it was accepted', async (t) => {
  const session = established();
  t.equal(sent(session.receive(bytesOf(segment(2, 7, 'aabb')), START_MS)), ack(2, 7, 2));
  t.equal(sent(session.receive(bytesOf(segment(0, 7, 'cc')), START_MS)), ack(0, 7, 3));
  const outputs = session.receive(bytesOf(segment(1, 7, '')), START_MS);
  t.same(outputs, [{ kind: 'arrival-end', transferId: 7n }]);
  t.equal(sent(session.accept(7n, START_MS)), ack(1, 7, 3));
});

t.test('gives its answers in the order of the transfers', async (t) => {
  const session = established();
  session.receive(bytesOf(segment(3, 0, 'aa') + segment(3, 1, 'bb')), START_MS);
  t.equal(sent(session.receive(bytesOf(segment(2, 2, 'cc')), START_MS)), '', 'the acknowledgement waits, too');
  t.equal(sent(session.refuse(1n, 'no-resources', START_MS)), '');
  t.equal(sent(session.accept(0n, START_MS)), ack(3, 0, 1) + refusal(2, 1) + ack(2, 2, 1));
});

t.test('lets no more transfers wait than it was told to, and goes on where it stopped', async (t) => {
  const session = established({ inboundTransfers: 2 });
  const outputs = session.receive(bytesOf([0, 1, 2, 3].map((id) => segment(3, id, 'aa')).join('')), START_MS);
  t.equal(outputs.filter((output) => output.kind === 'arrival').length, 2);
  t.notOk(session.wantsBytes);
  t.match(session.accept(0n, START_MS), [{ kind: 'send' }, { kind: 'arrival', transferId: 2n }, { kind: 'arrival-data' }, { kind: 'arrival-end' }]);
  t.notOk(session.wantsBytes);
  session.accept(1n, START_MS);
  t.ok(session.wantsBytes);
});

t.test('does not hold acknowledgements without end behind a transfer that is not answered', async (t) => {
  const session = established({ inboundTransfers: 8 });
  session.receive(bytesOf(segment(3, 0, 'aa') + segment(2, 1, 'aa')), START_MS);
  for (let n = 0; n < 1000 && session.wantsBytes; n++) session.receive(bytesOf(segment(0, 1, '')), START_MS);
  t.notOk(session.wantsBytes);
  t.equal(sent(session.accept(0n, START_MS)).length / 36, 258, 'the last of the first, 256 held ones, and the one that waited');
});

t.test('refuses a transfer in the middle, and again for what was on its way', async (t) => {
  const session = established();
  session.receive(bytesOf(segment(2, 5, 'aa')), START_MS);
  t.equal(sent(session.refuse(5n, 'no-resources', START_MS)), refusal(2, 5));
  t.equal(sent(session.refuse(5n, 'unknown', START_MS)), '', 'once');
  const outputs = session.receive(bytesOf(segment(0, 5, 'bb')), START_MS);
  t.equal(sent(outputs), refusal(2, 5));
  t.notOk(kinds(outputs).includes('arrival-data'));
  t.same(kinds(session.receive(bytesOf(segment(3, 6, 'cc')), START_MS)), ['arrival', 'arrival-data', 'arrival-end'], 'the next may begin without an END');
});

t.test('refuses what breaks its own word on length, or ours', async (t) => {
  const length = (bytes: number): string => `0100010008${bytes.toString(16).padStart(16, '0')}`;
  const cases: [string, string, number][] = [
    ['more than announced, in one segment', segment(3, 0, 'aabbcc', length(2)), 4],
    ['more than announced, in a later segment', segment(2, 0, 'aa', length(2)) + segment(1, 0, 'bbcc'), 4],
    ['less than announced', segment(2, 0, 'aa', length(3)) + segment(1, 0, 'bb'), 4],
    ['an announcement beyond our MRU', segment(2, 0, 'aa', length(1_000_001)), 4],
    ['a length twice', segment(2, 0, 'aa', length(2) + length(2)), 5],
    ['a length of four bytes', segment(2, 0, 'aa', '010001000400000002'), 5],
    ['items longer than their frame', segment(2, 0, 'aa', '0100010008000000'), 5],
    ['a critical item nobody knows', segment(2, 0, 'aa', '0100020000'), 5],
  ];
  for (const [name, hex, reason] of cases) {
    const session = established();
    const outputs = session.receive(bytesOf(hex), START_MS);
    t.equal(sent(outputs).slice(-20), refusal(reason, 0), name);
    t.notOk(kinds(outputs).includes('arrival-end'), name);
    t.same(kinds(session.receive(bytesOf(segment(3, 1, 'aa')), START_MS)), ['arrival', 'arrival-data', 'arrival-end'], 'the session goes on');
  }
});

t.test('takes a transfer with its length announced, and with items it may skip', async (t) => {
  const session = established();
  t.same(kinds(session.receive(bytesOf(segment(2, 0, 'aa', '01000100080000000000000002' + '0000020001ff') + segment(1, 0, 'bb')), START_MS)), ['arrival', 'arrival-data', 'send', 'arrival-data', 'arrival-end']);
});

t.test('refuses bytes beyond the transfer MRU though nothing was announced', async (t) => {
  const session = established({ transferMruBytes: 1024, segmentMruBytes: 1000 });
  session.receive(bytesOf(segment(2, 0, 'aa'.repeat(1000))), START_MS);
  const outputs = session.receive(bytesOf(segment(0, 0, 'aa'.repeat(25))), START_MS);
  t.match(outputs, [{ kind: 'arrival-broken' }, { kind: 'send' }]);
  t.equal(sent(outputs), refusal(4, 0));
});

t.test('ends at segments that cannot be told apart', async (t) => {
  const cases: [string, string, string][] = [
    ['one beyond the segment MRU', `0103000000000000000000000000ffffffffffffffff`, '060201'],
    ['one of no transfer', segment(0, 0, 'aa'), '060301'],
    ['one of another transfer', segment(2, 0, 'aa') + segment(0, 1, 'aa'), '060301'],
    ['a start inside a transfer', segment(2, 0, 'aa') + segment(2, 1, 'aa'), '060301'],
    ['an id used by a transfer not answered', segment(3, 0, 'aa') + segment(3, 0, 'aa'), '060301'],
  ];
  for (const [name, hex, reject] of cases) {
    const outputs = established().receive(bytesOf(hex), START_MS);
    t.equal(sent(outputs).slice(-12), `${reject}050000`, name);
    t.ok(closing(outputs)?.error, name);
  }
});

t.test('rejects a message of unknown type and closes', async (t) => {
  const outputs = established().receive(bytesOf('aa'), START_MS);
  t.equal(sent(outputs), '0601aa');
  t.match(closing(outputs), { error: { code: 'LINK_PROTOCOL' } });
});

t.test('rejects messages out of place and goes on, but not for ever', async (t) => {
  const session = established();
  t.equal(sent(session.receive(bytesOf(INIT), START_MS)), '060307');
  t.equal(sent(session.receive(bytesOf(ack(3, 9, 0)), START_MS)), '060302');
  t.equal(sent(session.receive(bytesOf(refusal(0, 9)), START_MS)), '060303');
  t.ok(session.open);
  let outputs: SessionOutput[] = [];
  for (let n = 0; n < 20 && closing(outputs) === undefined; n++) outputs = session.receive(bytesOf(refusal(0, 9)), START_MS);
  t.match(closing(outputs), { error: { code: 'LINK_PROTOCOL' } });
});

t.test('ends when the peer rejects a segment, and hears of other rejections a while', async (t) => {
  t.ok(closing(established().receive(bytesOf('060301'), START_MS)));
  const session = established();
  t.same(session.receive(bytesOf('060304'), START_MS), []);
  t.ok(closing(session.receive(bytesOf('060304'.repeat(30)), START_MS)));
});

t.test('sends in segments, with the length announced when there are several', async (t) => {
  const session = established();
  t.equal(session.begin(3, START_MS), 0n);
  t.equal(sent(session.segment(0n, [bytesOf('aa'), bytesOf('bb')], START_MS)), segment(2, 0, 'aabb', '01000100080000000000000003'));
  t.equal(sent(session.segment(0n, [bytesOf('cc')], START_MS)), segment(1, 0, 'cc'));
  t.equal(session.begin(0, START_MS), 1n, 'the next begins before the first is acknowledged');
  t.equal(sent(session.segment(1n, [], START_MS)), segment(3, 1, ''));
  t.same(session.receive(bytesOf(ack(2, 0, 2)), START_MS), []);
  t.same(session.receive(bytesOf(ack(1, 0, 3) + ack(3, 1, 0)), START_MS), [
    { kind: 'settled', transferId: 0n, result: { kind: 'confirmed' } },
    { kind: 'settled', transferId: 1n, result: { kind: 'confirmed' } },
  ]);
});

t.test('does not believe acknowledgements of what was not sent', async (t) => {
  const session = established();
  session.begin(3, START_MS);
  session.segment(0n, [bytesOf('aa')], START_MS);
  t.equal(sent(session.receive(bytesOf(ack(1, 0, 3)), START_MS)), '060302');
});

t.test('learns why a transfer was refused', async (t) => {
  for (const [code, reason] of [[0, 'unknown'], [1, 'completed'], [2, 'no-resources'], [3, 'retransmit'], [4, 'not-acceptable'], [5, 'extension-failure'], [6, 'session-terminating'], [0xee, 'unknown']] as const) {
    const session = established();
    session.begin(300, START_MS);
    session.segment(0n, [new Uint8Array(100)], START_MS);
    t.match(session.receive(bytesOf(refusal(code, 0)), START_MS), [{ kind: 'settled', transferId: 0n, result: { kind: 'refused', reason } }]);
    t.same(session.segment(0n, [new Uint8Array(100)], START_MS), [], 'nothing of it follows');
    t.same(session.receive(bytesOf(refusal(code, 0) + ack(2, 0, 100)), START_MS), [], 'what crossed on the wire is no fault');
    t.equal(session.begin(1, START_MS), 1n);
  }
});

t.test('ends in order: transfers in hand are finished, none begins', async (t) => {
  const session = established();
  session.begin(2, START_MS);
  session.segment(0n, [bytesOf('aa')], START_MS);
  session.receive(bytesOf(segment(2, 0, 'aa')), START_MS);
  const outputs = session.terminate('unknown', START_MS);
  t.equal(sent(outputs), '050000');
  t.notOk(session.open);
  t.equal(sent(session.receive(bytesOf('050100'), START_MS)), '');
  t.equal(sent(session.segment(0n, [bytesOf('bb')], START_MS)), segment(1, 0, 'bb'));
  t.notOk(closing(session.receive(bytesOf(ack(1, 0, 2)), START_MS)), 'theirs is not done');
  session.receive(bytesOf(segment(1, 0, 'bb')), START_MS);
  t.equal(sent(session.receive(bytesOf(segment(3, 1, 'cc')), START_MS)), '', 'refused once the one before is answered');
  const end = session.accept(0n, START_MS);
  t.equal(sent(end), ack(1, 0, 2) + refusal(6, 1));
  t.match(closing(end), { reason: /in order/ });
});

t.test('answers the peer that ends the session with the same reason', async (t) => {
  const session = established();
  const outputs = session.receive(bytesOf('0500ee'), START_MS);
  t.equal(sent(outputs), '0501ee');
  t.match(outputs, [{ kind: 'send' }, { kind: 'ending', reason: 'unknown' }, { kind: 'close' }]);
});

t.test('needs no answer when both ends call the end at once', async (t) => {
  const session = established();
  session.terminate('unknown', START_MS);
  const outputs = session.receive(bytesOf('050001'), START_MS);
  t.equal(sent(outputs), '');
  t.ok(closing(outputs));
});

t.test('waits for transfers in hand no longer than it was told to', async (t) => {
  const session = established({}, INIT.replace('070011', '070000'));
  session.begin(2, START_MS);
  session.segment(0n, [bytesOf('aa')], START_MS);
  session.terminate('unknown', START_MS);
  t.equal(session.dueMs(), START_MS + TERMS.drainMs);
  t.match(session.tick(START_MS + TERMS.drainMs), [{ kind: 'settled', result: { kind: 'broken' } }, { kind: 'close', reason: /not over/ }]);
});

t.test('takes a half-sent transfer back by ending the session, and a sent one by forgetting it', async (t) => {
  const session = established();
  session.begin(1, START_MS);
  session.segment(0n, [bytesOf('aa')], START_MS);
  t.same(session.abandon(0n, START_MS), []);
  t.same(session.receive(bytesOf(ack(3, 0, 1)), START_MS), []);
  session.begin(2, START_MS);
  session.segment(1n, [bytesOf('aa')], START_MS);
  t.equal(sent(session.abandon(1n, START_MS)), '050000');
  t.ok(closing(session.receive(bytesOf('050100'), START_MS)));
});

t.test('keeps the session alive, and ends it when the peer falls silent', async (t) => {
  const session = established();
  t.equal(session.dueMs(), START_MS + 15_000);
  t.equal(sent(session.tick(START_MS + 15_000)), KEEPALIVE);
  t.equal(session.dueMs(), START_MS + 30_000);
  session.receive(bytesOf(KEEPALIVE), START_MS + 20_000);
  t.equal(sent(session.tick(START_MS + 30_000)), KEEPALIVE);
  t.equal(sent(session.tick(START_MS + 45_000)), KEEPALIVE);
  const outputs = session.tick(START_MS + 50_000);
  t.equal(sent(outputs), '050001');
  t.match(closing(outputs), { reason: /silent/ });
});

t.test('does not call the peer silent while nobody listens', async (t) => {
  const session = established();
  session.reading(false, START_MS);
  t.equal(sent(session.tick(START_MS + 40_000)), KEEPALIVE);
  session.reading(true, START_MS + 50_000);
  t.notOk(closing(session.tick(START_MS + 79_000)));
  t.ok(closing(session.tick(START_MS + 80_000)));
});

t.test('ends an idle session when told to, whatever keepalives come', async (t) => {
  const session = established({ idleMs: 20_000 });
  session.receive(bytesOf(segment(3, 0, 'aa')), START_MS + 10_000);
  t.not(sent(session.tick(START_MS + 31_000)), '050001', 'an unanswered transfer is not idle');
  session.accept(0n, START_MS + 31_500);
  session.receive(bytesOf(KEEPALIVE), START_MS + 45_000);
  t.equal(sent(session.tick(START_MS + 51_500)).slice(-6), '050001');
  t.notOk(session.open);
  t.ok(closing(session.receive(bytesOf('050101'), START_MS + 51_600)));
});

t.test('ends when a transfer stands still, in either direction', async (t) => {
  const inbound = established({}, INIT.replace('070011', '070000'));
  inbound.receive(bytesOf(segment(2, 0, 'aa')), START_MS);
  inbound.receive(bytesOf(KEEPALIVE.repeat(3)), START_MS + 59_000);
  t.match(inbound.tick(START_MS + 60_000), [{ kind: 'send' }, { kind: 'ending' }, { kind: 'arrival-broken' }, { kind: 'close', reason: /did not move/ }]);
  const outbound = established({}, INIT.replace('070011', '070000'));
  outbound.begin(1, START_MS);
  outbound.segment(0n, [bytesOf('aa')], START_MS);
  t.match(outbound.tick(START_MS + 60_000).at(-1), { kind: 'close', reason: /did not move/ });
});

t.test('gives nobody longer than the handshake time for the greetings', async (t) => {
  for (const hex of ['', CONTACT, CONTACT + INIT]) {
    const session = passive();
    session.receive(bytesOf(hex), START_MS);
    t.equal(session.dueMs(), START_MS + HANDSHAKE_MS);
    t.match(session.tick(START_MS + HANDSHAKE_MS), [{ kind: 'close', reason: /greetings/ }]);
    t.equal(session.dueMs(), undefined);
  }
});

t.test('says what became of everything when the connection is gone', async (t) => {
  const session = established();
  session.begin(1, START_MS);
  session.segment(0n, [bytesOf('aa')], START_MS);
  session.receive(bytesOf(segment(2, 0, 'aa')), START_MS);
  t.match(session.disconnected(START_MS), [
    { kind: 'arrival-broken', transferId: 0n },
    { kind: 'settled', transferId: 0n, result: { kind: 'broken' } },
    { kind: 'close' },
  ]);
  t.same(session.disconnected(START_MS), []);
  t.same(session.receive(bytesOf(KEEPALIVE), START_MS), []);
  t.same(session.accept(0n, START_MS), []);
});

t.test('makes the same of a conversation however it is cut', async (t) => {
  const talk = bytesOf(CONTACT + INIT + KEEPALIVE + segment(2, 0, 'aabbcc', '01000100080000000000000005') + segment(1, 0, 'ddee') + segment(3, 1, 'ff') + ack(0, 9, 0) + '050003');
  const whole = replay([talk]);
  t.match(whole, /arrival-end aabbccddee\n.*arrival-end ff\n.*close$/s);
  for (let cut = 1; cut < talk.length; cut++) t.equal(replay([talk.subarray(0, cut), talk.subarray(cut)]), whole, `cut at ${cut}`);
  t.equal(replay(Array.from(talk, (byte) => Uint8Array.of(byte))), whole, 'byte by byte');
});

t.test('survives a conversation with any byte changed', async (t) => {
  const talk = bytesOf(CONTACT + INIT + segment(2, 0, 'aabbcc', '01000100080000000000000005') + segment(1, 0, 'ddee') + '050003');
  for (let at = 0; at < talk.length; at++) {
    for (const flip of [0x01, 0x80, 0xff]) {
      const changed = talk.slice();
      changed[at]! ^= flip;
      replay([changed]);
    }
  }
  t.pass('nothing but outputs came of it');
});

/** Everything a passive session makes of the pieces, as lines, with the data of a transfer joined; it accepts all in the end. */
function replay(pieces: readonly Uint8Array[]): string {
  const session = passive();
  const seen: string[] = [];
  const data = new Map<bigint, string>();
  const drive = (outputs: readonly SessionOutput[]): void => {
    for (const output of outputs) {
      if (output.kind === 'send') seen.push(`send ${toHex(concatBytes(...output.parts))}`);
      else if (output.kind === 'arrival-data') data.set(output.transferId, (data.get(output.transferId) ?? '') + toHex(output.bytes));
      else if (output.kind === 'arrival-end') seen.push(`arrival-end ${data.get(output.transferId)}`);
      else seen.push(output.kind);
      if (output.kind === 'introduced') drive(session.admit(TERMS, START_MS));
    }
  };
  for (const piece of pieces) drive(session.receive(piece, START_MS));
  for (const transferId of data.keys()) drive(session.accept(transferId, START_MS));
  drive(session.disconnected(START_MS));
  return seen.join('\n');
}

function plainFault(): PosternError<'LINK_PLAIN'> {
  return new PosternError('LINK_PLAIN', 'no', { address: '192.0.2.1' });
}
