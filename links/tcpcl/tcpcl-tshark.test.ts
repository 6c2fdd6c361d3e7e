/** Wireshark's own dissectors read real traffic between two of our links, captured on loopback. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { complaints, dissect, LoopbackCapture, whyNoCapture } from '../loopback-capture.test-helper.js';
import { CONVERSATIONS } from './conversation-test-helper.js';

const CONVERSATION_PROGRAM = fileURLToPath(new URL('./conversation-test-helper.js', import.meta.url));

const skip = whyNoCapture();

/** Runs the conversation while dumpcap listens. */
async function capture(t: Test, manner: 'plain' | 'tls'): Promise<{ file: string; keyFile: string; port: number }> {
  const folder = t.testdir();
  const [file, keyFile] = [join(folder, 'lo.pcapng'), join(folder, 'keys.log')];
  const talk = spawn(process.execPath, [`--tls-keylog=${keyFile}`, CONVERSATION_PROGRAM, manner], { stdio: ['pipe', 'pipe', 'pipe'] });
  t.teardown(() => talk.kill());
  let complaint = '';
  talk.stderr.on('data', (bytes: Buffer) => (complaint += bytes.toString()));
  const [line] = await once(talk.stdout, 'data');
  const port = Number(String(line));
  const listening = await LoopbackCapture.start(t, file, `tcp port ${port}`);
  talk.stdin.write('go\n');
  t.equal(await exitOf(talk), 0, `the conversation went as planned ${complaint}`);
  t.comment(await listening.stop());
  return { file, keyFile, port };
}

async function exitOf(child: ChildProcess): Promise<unknown> {
  if (child.exitCode !== null) return child.exitCode;
  const [code] = await once(child, 'exit');
  return code;
}

const FIELDS = [
  'tcpcl.contact_hdr.version',
  'tcpcl.v4.mhdr.type',
  'tcpcl.v4.negotiated.use_tls',
  'tcpcl.v4.negotiated.keepalive',
  'tcpcl.v4.sess_init.nodeid_data',
  'tcpcl.xfer.reassembled.length',
  'tcpcl.v4.xfer_refuse.reason',
  'tcpcl.v4.sess_term.flags.reply',
  'bpv7.primary.src_uri',
  'bpv7.create_ts.seqno',
  'bpv7.crc_status',
  'tls.app_data_proto',
  '_ws.malformed',
  '_ws.expert.message',
];
/** There is no dissector for a batch; and the Transfer Length is critical, which is worth a note to tshark. */
const BENIGN = new Set(['Unknown type code', 'Extension Item is critical']);
/** A refused transfer has no acknowledgement, which tshark finds worth a word on both messages. */
const OF_A_REFUSAL = ['XFER_REFUSE has no related XFER_SEGMENT(s)', 'XFER_SEGMENT has no related XFER_ACK'];
/** The largest bundle that fits one segment has less payload than this. */
const ONE_SEGMENT_BYTES = 65_000;
const MESSAGE = { segment: '0x01', ack: '0x02', refuse: '0x03', keepalive: '0x04', term: '0x05', reject: '0x06', init: '0x07' };

for (const manner of ['plain', 'tls'] as const) {
  t.test(`tshark reads a whole conversation, ${manner}, and has no complaint`, { skip, timeout: 60_000 }, async (t) => {
    const { file, keyFile, port } = await capture(t, manner);
    const seen = dissect(file, ['-d', `tcp.port==${port},tcpcl`, '-o', `tls.keylog_file:${keyFile}`], FIELDS);
    const values = (field: (typeof FIELDS)[number]): string[] => seen.get(field) ?? [];
    const messages = (type: string): number => values('tcpcl.v4.mhdr.type').filter((value) => value === type).length;
    const { near, far } = CONVERSATIONS[manner];

    t.same(values('tcpcl.contact_hdr.version'), ['4', '4']);
    t.same(new Set(values('tcpcl.v4.negotiated.use_tls')), new Set([manner === 'tls' ? '1' : '0']));
    t.same(new Set(values('tcpcl.v4.negotiated.keepalive')), new Set(['1']), 'the smaller of 7 s and 1 s');
    t.same(values('tcpcl.v4.sess_init.nodeid_data'), ['ipn:1.0', 'ipn:2.0']);
    t.equal(messages(MESSAGE.init), 2);
    t.ok(messages(MESSAGE.keepalive) >= 2);
    t.equal(messages(MESSAGE.reject), 0);
    t.equal(messages(MESSAGE.refuse), 1);
    t.same(values('tcpcl.v4.xfer_refuse.reason'), ['2'], 'no resources');
    t.equal(messages(MESSAGE.ack), messages(MESSAGE.segment) - 1, 'an acknowledgement for each segment that was not refused');
    t.same(values('tcpcl.v4.sess_term.flags.reply'), ['0', '1'], 'the end is called and answered');

    t.same(values('bpv7.primary.src_uri'), [...near.map(() => 'ipn:1.1'), ...far.map(() => 'ipn:2.1')], 'every bundle is found');
    t.same(values('bpv7.create_ts.seqno'), [...near.keys(), ...far.keys()].map(String));
    t.same(values('bpv7.crc_status'), [...near, ...far].flatMap(() => ['1', '1', '1']), 'primary block, hop count and payload: every CRC is good');
    const reassembled = values('tcpcl.xfer.reassembled.length').map(Number);
    t.same(reassembled.length, [...near, ...far].filter((bytes) => bytes > ONE_SEGMENT_BYTES).length, 'transfers of several segments are put together');

    t.equal(values('tls.app_data_proto').length > 0, manner === 'tls');
    t.same(values('_ws.malformed'), []);
    t.same(complaints(values('_ws.expert.message'), BENIGN), OF_A_REFUSAL);
  });
}
