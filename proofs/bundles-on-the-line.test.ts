/**
 * Two gateways on a line without TLS, with real messages: Wireshark's dissectors read every session and every bundle
 * without a complaint, and no payload of any bundle tells what it carries.
 */
import { spawnSync } from 'node:child_process';
import t from 'tap';
import { concatBytes, fromHex } from '../base/bytes.js';
import { complaints, dissect, whyNoCapture } from '../links/loopback-capture.test-helper.js';
import { MessageReader } from '../links/tcpcl/message-reader.js';
import { SEGMENT_END } from '../links/tcpcl/messages.js';
import { BatchReader } from '../wire/batch-reader.js';
import { decodeBundle } from '../wire/bundle.js';
import { walk } from './walk.test-helper.js';

const FIELDS = ['tcpcl.contact_hdr.version', 'tcpcl.v4.mhdr.type', 'tcpcl.v4.negotiated.use_tls', 'tcpcl.v4.sess_init.nodeid_data', '_ws.malformed', '_ws.expert.message'] as const;
const BUNDLE_FIELDS = ['bpv7.primary.src_uri', 'bpv7.primary.dst_uri', 'bpv7.create_ts.seqno', 'bpv7.crc_status', '_ws.malformed'] as const;
const INIT = '0x07';
const REJECT = '0x06';
/**
 * There is no dissector for a batch; the Transfer Length is critical, which is worth a note to tshark; and when both ends
 * stop at once, their SESS_TERM messages cross and neither is a reply (RFC 9174 §6.1), which tshark does not expect.
 */
const BENIGN = new Set(['Unknown type code', 'Extension Item is critical', 'Reply SESS_TERM missing flag']);

t.test('Wireshark reads all that two gateways say to each other, and no bundle tells what it carries', { skip: whyNoCapture(), timeout: 110_000 }, async (t) => {
  const { marks, locators, captureFile = '', linkPorts } = await walk(t, { link: 'tcpcl', plain: true, capture: true }, () => undefined);
  const asTcpcl = linkPorts.flatMap((port) => ['-d', `tcp.port==${port},tcpcl`]);

  const seen = dissect(captureFile, asTcpcl, FIELDS);
  const values = (field: (typeof FIELDS)[number]): string[] => seen.get(field) ?? [];
  // Not every greeting becomes a session: an end may dial while the other is not there yet, or both may dial at once.
  const greetings = values('tcpcl.contact_hdr.version').length;
  t.same(new Set(values('tcpcl.contact_hdr.version')), new Set(['4']));
  t.same(new Set(values('tcpcl.v4.negotiated.use_tls')), new Set(['0']));
  t.same(new Set(values('tcpcl.v4.sess_init.nodeid_data')), new Set(['dtn://west/', 'dtn://east/']));
  const inits = values('tcpcl.v4.mhdr.type').filter((type) => type === INIT).length;
  t.ok(inits >= 2 && inits <= greetings, `${inits} ends of sessions, after ${greetings} greetings`);
  t.notOk(values('tcpcl.v4.mhdr.type').includes(REJECT));
  t.same(values('_ws.malformed'), []);
  t.same(complaints(values('_ws.expert.message'), BENIGN), []);

  const bundles = streamsOf(captureFile, asTcpcl, linkPorts).flatMap(bundlesIn).map((bytes) => decodeBundle(bytes));
  const seenBundles = dissect(captureFile, asTcpcl, BUNDLE_FIELDS, 1);
  const bundleValues = (field: (typeof BUNDLE_FIELDS)[number]): string[] => seenBundles.get(field) ?? [];
  const sequences = bundles.map(({ primary }) => String(primary.sequence));
  t.same([...bundleValues('bpv7.create_ts.seqno')].sort(), sequences.sort(), 'every bundle is seen as one');
  t.same(new Set(bundleValues('bpv7.primary.src_uri')), new Set(['dtn://west/batch', 'dtn://east/batch']), 'bundles each way');
  t.same(new Set(bundleValues('bpv7.primary.dst_uri')), new Set(['dtn://west/batch', 'dtn://east/batch']));
  t.same(new Set(bundleValues('bpv7.crc_status')), new Set(['1']), 'every CRC is good');
  t.same(bundleValues('_ws.malformed'), []);
  const payloads = bundles.map((bundle) => bundle.payload.data);
  for (const payload of payloads) {
    const batch = new BatchReader();
    batch.push(payload);
    batch.finish();
  }
  const carried = concatBytes(...payloads);
  for (const [what, canaries] of marks) t.same(canaries.in(carried), [], `no payload holds the ${what}`);
  t.ok(locators.in(carried).length >= 3, 'locators are there, as ids would be');
});

/** The bytes of each direction of each connection. */
function streamsOf(file: string, options: readonly string[], ports: readonly number[]): Uint8Array[] {
  const filter = ports.map((port) => `tcp.port==${port}`).join(' || ');
  const numbers = new Set(dissectText(['-r', file, ...options, '-Y', filter, '-T', 'fields', '-e', 'tcp.stream']).split('\n').filter((line) => line !== ''));
  return [...numbers].flatMap((number) => {
    const lines = dissectText(['-r', file, ...options, '-q', '-z', `follow,tcp,raw,${number}`]).split('\n');
    const hexOf = (pattern: RegExp): Uint8Array => fromHex(lines.filter((line) => pattern.test(line)).join('').replaceAll('\t', '')) as Uint8Array;
    return [hexOf(/^[0-9a-f]+$/), hexOf(/^\t[0-9a-f]+$/)];
  });
}

function dissectText(args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('tshark', args, { encoding: 'utf8', timeout: 60_000, maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) throw new Error(`tshark ended with ${status}: ${stderr}`);
  return stdout;
}

/** The transfers of one direction, put together. */
function bundlesIn(stream: Uint8Array): Uint8Array[] {
  const reader = new MessageReader();
  reader.push(stream);
  const bundles: Uint8Array[] = [];
  let parts: Uint8Array[] = [];
  let isLast = false;
  for (let event = reader.next(); event !== undefined; event = reader.next()) {
    if (event.kind === 'message' && event.message.type === 'xfer-segment') isLast = (event.message.flags & SEGMENT_END) !== 0;
    else if (event.kind === 'data') parts.push(event.bytes);
    else if (event.kind === 'segment-end' && isLast) {
      bundles.push(concatBytes(...parts));
      parts = [];
    }
  }
  return bundles;
}
