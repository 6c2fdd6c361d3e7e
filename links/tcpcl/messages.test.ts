import { strict as assert } from 'node:assert';
import t from 'tap';
import fc from 'fast-check';
import { concatBytes, toHex } from '../../base/bytes.js';
import { isPosternError } from '../../base/errors.js';
import { readSpecVectors } from '../../scripts/spec-vectors.js';
import { MessageReader, type ReaderEvent } from './message-reader.js';
import { decodeExtensionItems, decodeMessage, decodeTransferLength, encodeContactHeader, encodeExtensionItems, encodeMessage, EXTENSION_BYTES, NODE_ID_BYTES, protocolFault, TRANSFER_LENGTH } from './messages.js';
import type { ExtensionItem, Message } from './messages.js';

const vectors = readSpecVectors('tcpcl');
const CONTACT = encodeContactHeader({ version: 4, flags: 0 });
const CONTACT_FIRST_BYTE = 0x64;

/** A vector is what one side says. Where it does not begin with the contact header, that has been said before. */
function readerFor(bytes: Uint8Array): MessageReader {
  const reader = new MessageReader();
  if (bytes[0] !== CONTACT_FIRST_BYTE) {
    reader.push(CONTACT);
    reader.next();
  }
  return reader;
}

function drain(reader: MessageReader, chunk: Uint8Array): ReaderEvent[] {
  reader.push(chunk);
  const events: ReaderEvent[] = [];
  for (let event = reader.next(); event !== undefined; event = reader.next()) events.push(event);
  return events;
}

/** What a session would say to the extension items; they are decoded where the rest of the message is known to be whole. */
function check(event: ReaderEvent): void {
  if (event.kind !== 'message') return;
  const { message } = event;
  if (message.type === 'unknown') throw protocolFault('tcpcl', 0, `type ${message.code}`, 'a known type');
  if (message.type !== 'sess-init' && message.type !== 'xfer-segment') return;
  for (const item of decodeExtensionItems(message.extensions ?? new Uint8Array(0), `tcpcl/${message.type}`)) {
    if (message.type === 'xfer-segment' && item.itemType === TRANSFER_LENGTH) decodeTransferLength(item);
  }
}

function verdict(bytes: Uint8Array): string {
  try {
    drain(readerFor(bytes), bytes).forEach(check);
    return 'ok';
  } catch (thrown) {
    if (!isPosternError(thrown)) throw thrown;
    return thrown.code;
  }
}

function encode(events: readonly ReaderEvent[]): Uint8Array {
  return concatBytes(
    ...events.map((event) => {
      if (event.kind === 'contact') return encodeContactHeader(event.header);
      if (event.kind === 'message' && event.message.type !== 'unknown') return encodeMessage(event.message);
      return event.kind === 'data' ? event.bytes : new Uint8Array(0);
    }),
  );
}

t.test('every vector gets the verdict it expects', async (t) => {
  t.ok(vectors.length > 30, `${vectors.length} vectors`);
  for (const { name, expect, note, bytes } of vectors) t.equal(verdict(bytes), expect, `${name}: ${note}`);
});

t.test('good vectors encode to their own bytes, however they are cut', async (t) => {
  for (const { name, bytes } of vectors.filter(({ expect }) => expect === 'ok')) {
    t.equal(toHex(encode(drain(readerFor(bytes), bytes))), toHex(bytes), name);
    const reader = readerFor(bytes);
    const events = Array.from(bytes, (byte) => drain(reader, Uint8Array.of(byte))).flat();
    t.equal(toHex(encode(events)), toHex(bytes), `${name}, byte by byte`);
  }
});

t.test('good vectors cut short wait for more, and never complain', async (t) => {
  for (const { name, bytes } of vectors.filter(({ expect }) => expect === 'ok')) {
    for (let length = 0; length < bytes.length; length++) {
      const head = bytes.subarray(0, length);
      const reader = readerFor(bytes);
      const events = drain(reader, head);
      const rest = drain(reader, bytes.subarray(length));
      t.equal(toHex(encode([...events, ...rest])), toHex(bytes), `${name} at ${length}`);
    }
  }
});

t.test('vectors with any byte changed give messages or a coded fault', async (t) => {
  for (const { bytes } of vectors) {
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [0x01, 0x40, 0xff]) {
        const changed = bytes.slice();
        changed[at]! ^= flip;
        verdict(changed);
      }
    }
  }
  t.pass('no other error was thrown');
});

/** Objects such as the decoder makes. */
const PLAIN = { noNullPrototype: true };
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const u16 = fc.nat(0xffff);
const u8 = fc.nat(0xff);
const items: fc.Arbitrary<ExtensionItem[]> = fc.array(fc.record({ flags: u8, itemType: u16, value: fc.uint8Array({ maxLength: 40 }) }, PLAIN), { maxLength: 5 });
const messages: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ type: fc.constant('sess-init' as const), keepaliveSec: u16, segmentMru: u64, transferMru: u64, nodeId: fc.string({ unit: 'grapheme', maxLength: 100 }), extensions: items.map(encodeExtensionItems) }, PLAIN),
  fc.record({ type: fc.constant('xfer-segment' as const), flags: u8.map((flags) => flags | 2), transferId: u64, extensions: items.map(encodeExtensionItems), dataBytes: u64 }, PLAIN),
  fc.record({ type: fc.constant('xfer-segment' as const), flags: u8.map((flags) => flags & ~2), transferId: u64, dataBytes: u64 }, PLAIN),
  fc.record({ type: fc.constant('xfer-ack' as const), flags: u8, transferId: u64, ackedBytes: u64 }, PLAIN),
  fc.record({ type: fc.constant('xfer-refuse' as const), reason: u8, transferId: u64 }, PLAIN),
  fc.record({ type: fc.constant('keepalive' as const) }, PLAIN),
  fc.record({ type: fc.constant('sess-term' as const), flags: u8, reason: u8 }, PLAIN),
  fc.record({ type: fc.constant('msg-reject' as const), reason: u8, rejected: u8 }, PLAIN),
);

t.test('what is encoded is decoded, whole and in any two pieces', async (t) => {
  fc.assert(
    fc.property(messages, fc.nat(), (message, where) => {
      const bytes = encodeMessage(message);
      const decoded = decodeMessage(bytes);
      assert.deepEqual(decoded, { message, bytes: bytes.length });
      const reader = readerFor(Uint8Array.of(0));
      const cut = where % (bytes.length + 1);
      const events = [...drain(reader, bytes.subarray(0, cut)), ...drain(reader, bytes.subarray(cut))];
      assert.deepEqual(events[0], { kind: 'message', message });
    }),
    { numRuns: 300 },
  );
  t.pass();
});

t.test('any bytes at all give events or a coded fault', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 4 }), (bytes, prefix) => {
      verdict(concatBytes(prefix.map((byte) => byte % 8), bytes));
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

t.test('extension items come back as they were', async (t) => {
  fc.assert(fc.property(items, (list) => assert.deepEqual(decodeExtensionItems(encodeExtensionItems(list), 'x'), list)), { numRuns: 100 });
  t.pass();
});

t.test('holds no more of an unfinished message than its limits say', async (t) => {
  const longest = encodeMessage({ type: 'sess-init', keepaliveSec: 0, segmentMru: 0n, transferMru: 0n, nodeId: 'x'.repeat(NODE_ID_BYTES), extensions: new Uint8Array(EXTENSION_BYTES) });
  t.strictSame(decodeMessage(longest.subarray(0, 21)), { needBytes: 25 + NODE_ID_BYTES });
  t.strictSame(decodeMessage(longest.subarray(0, 25 + NODE_ID_BYTES)), { needBytes: longest.length });
  t.match(decodeMessage(longest), { bytes: longest.length });
  const reader = readerFor(longest);
  const startedMs = Date.now();
  const events = Array.from(longest, (byte) => drain(reader, Uint8Array.of(byte))).flat();
  t.equal(events.length, 1);
  t.ok(Date.now() - startedMs < 2000, 'byte by byte in linear time');
});

t.test('faults say where', async (t) => {
  const bad = vectors.find(({ name }) => name === 'tcpcl-init-extension-overrun')!;
  t.throws(() => drain(readerFor(bad.bytes), bad.bytes).forEach(check), { code: 'LINK_PROTOCOL', data: { path: 'tcpcl/sess-init/extensions', offset: 0 } });
  const endless = vectors.find(({ name }) => name === 'tcpcl-init-node-id-long')!;
  t.throws(() => drain(readerFor(endless.bytes), endless.bytes), { code: 'LINK_LIMIT', data: { path: 'tcpcl/sess-init/node-id', offset: 19, found: 65_535, limit: NODE_ID_BYTES } });
});
