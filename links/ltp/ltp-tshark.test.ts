/** Wireshark's own dissectors read real traffic between two of our links, captured on loopback. */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Test } from 'tap';
import { complaints, dissect, LoopbackCapture, whyNoCapture } from '../loopback-capture.test-helper.js';
import { CONVERSATION } from './conversation-test-helper.js';

const PROGRAM = fileURLToPath(new URL('./conversation-test-helper.js', import.meta.url));
const FIELDS = ['ltp.type', 'ltp.data.chkp', 'ltp.rpt.sno', 'ltp.rpt.clm.cnt', 'ltp.cancel.code', 'bpv7.primary.src_uri', 'bpv7.create_ts.seqno', 'bpv7.crc_status', '_ws.expert.message'] as const;
const TYPE = { red: 0, checkpoint: 1, redEnd: 2, blockEnd: 3, green: 4, greenEnd: 7, report: 8, reportAck: 9, cancelByReceiver: 14, cancelByReceiverAck: 15 };
/** There is no dissector for a batch. */
const BENIGN = new Set(['Unknown type code']);
/** tshark 4.0 wants content in acknowledgements of cancellations, which RFC 5326 §3.2.5 leaves empty. */
const CANCEL_ACKS = '!(ltp.type in {13,15})';

/** To a port of these tshark remarks on every datagram that it may be a traceroute. */
const TRACEROUTE_PORTS = { first: 33_434, last: 33_534 };
const MOST_ATTEMPTS = 20;

t.setTimeout(120_000);

/** The system chooses the ports of the talk, and chooses others for another. */
async function startTalk(t: Test): Promise<{ readonly talk: ChildProcessWithoutNullStreams; readonly ports: readonly string[] }> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const talk = spawn(process.execPath, [PROGRAM, 'talk'], { stdio: ['pipe', 'pipe', 'pipe'] });
    t.teardown(() => talk.kill());
    const [line] = await once(talk.stdout, 'data');
    const ports = String(line).trim().split(' ');
    if (!ports.some((port) => Number(port) >= TRACEROUTE_PORTS.first && Number(port) <= TRACEROUTE_PORTS.last)) return { talk, ports };
    talk.kill();
  }
  throw new Error(`the system gives no ports beside ${TRACEROUTE_PORTS.first} to ${TRACEROUTE_PORTS.last}`);
}

t.test('tshark reads a whole conversation and has no complaint', { skip: whyNoCapture(), timeout: 120_000 }, async (t) => {
  const file = join(t.testdir(), 'lo.pcapng');
  const { talk, ports } = await startTalk(t);
  let complaint = '';
  talk.stderr.on('data', (bytes: Buffer) => (complaint += bytes.toString()));
  const listening = await LoopbackCapture.start(t, file, ports.map((port) => `udp port ${port}`).join(' or '));
  talk.stdin.write('go\n');
  const [code] = await once(talk, 'exit');
  t.equal(code, 0, `the conversation went as planned ${complaint}`);
  t.comment(await listening.stop());

  const asLtp = ports.flatMap((port) => ['-d', `udp.port==${port},ltp`]);
  const everything = dissect(file, asLtp, ['ltp.type', 'ltp.cancel.code']);
  const count = (type: number): number => (everything.get('ltp.type') ?? []).filter((value) => Number(value) === type).length;
  // Of those that end a round: tshark 4.0 takes a checkpoint on the way through a block for its end, and reads half a bundle.
  t.ok(count(TYPE.red) > 100 && count(TYPE.checkpoint) >= 1, 'red data, and checkpoints that answer reports');
  t.ok(count(TYPE.blockEnd) >= CONVERSATION.near.length + CONVERSATION.far.length);
  t.ok(count(TYPE.report) >= count(TYPE.reportAck) && count(TYPE.reportAck) >= CONVERSATION.near.length);
  t.same([count(TYPE.green), count(TYPE.greenEnd)], [2, 1]);
  t.ok(count(TYPE.cancelByReceiver) >= 1 && count(TYPE.cancelByReceiverAck) >= 1);
  t.same(new Set(everything.get('ltp.cancel.code')), new Set(['0x00', '0x04']), 'what they say first, and system cancelled');

  const seen = dissect(file, [...asLtp, '-Y', CANCEL_ACKS], FIELDS);
  const values = (field: (typeof FIELDS)[number]): string[] => seen.get(field) ?? [];
  t.ok(values('bpv7.primary.src_uri').filter((uri) => uri === 'ipn:1.1').length >= CONVERSATION.near.length, 'bundles are found in their blocks');
  t.ok(values('bpv7.primary.src_uri').includes('ipn:2.1'));
  t.same(new Set(values('bpv7.crc_status')), new Set(['1']), 'every CRC is good');
  t.same(complaints(values('_ws.expert.message'), BENIGN), []);
});
