/** Neighbours that lie in their answers: the gateway keeps what it holds, tries again without haste, and hands over when the truth comes. */
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { makeTlsIdentity } from '../base/tls-identity.js';
import { readAnswer, testKey } from '../gateway/gateway.test-helper.js';
import type { TestMessage } from '../gateway/gateway.test-helper.js';
import { encodeBatchHead } from '../wire/batch.js';
import type { BatchHead } from '../wire/batch-head-reader.js';
import { keyId } from '../wire/keys.js';
import type { SigningKey } from '../wire/keys.js';
import { encodeOpening } from '../wire/opening.js';
import { encodeRanges } from '../wire/ranges.js';
import { makeReceipt } from '../wire/receipt.js';
import { encodeRefusal } from '../wire/refusal.js';
import type { TransitRecord } from '../wire/record.js';
import { Caller, client, LOCAL, messageNow, neighbour, startGateway, until } from './real-gateway.test-helper.js';

const GATE = testKey(1);
const CLIENT = testKey(2);
const OTHER = testKey(4);
const BLOB_BYTES = 1000;
/** With retries of 200 ms at first, doubling: more would be a gateway in a hurry. */
const MOST_BATCHES = 12;
/** What is wanted goes at once, however little it is, until the blob has been sent three times (gateway/wanted.ts). */
const MORSEL_BYTES = 200;
const MOST_MORSELS = Math.ceil((3 * BLOB_BYTES) / MORSEL_BYTES) + 2;
const WATCHED_MS = 1500;

type Answer = (response: ServerResponse, head: BatchHead, own: SigningKey) => void;

/** A neighbour on a port of its own that answers as it is told. */
class Neighbour {
  readonly key: SigningKey;
  answer: Answer;
  batches = 0;
  port = 0;

  constructor(key: SigningKey, answer: Answer) {
    this.key = key;
    this.answer = answer;
  }

  async listen(t: Test): Promise<void> {
    const { certPem, keyPem } = await makeTlsIdentity(this.key.seed, 'neighbour');
    const server = createServer({ cert: certPem, key: keyPem, minVersion: 'TLSv1.3' }, (request, response) => void this.#serve(request, response));
    server.listen(0, LOCAL);
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      this.batches += 1;
      this.answer(response, readAnswer(Buffer.concat(chunks)), this.key);
    } catch {
      response.destroy();
    }
  }
}

interface Signed {
  readonly signWith?: SigningKey;
  readonly to?: SigningKey;
}

function answerOf(controls: readonly Uint8Array[], key: SigningKey, to: SigningKey): Uint8Array {
  return encodeBatchHead({ key, to: keyId(to.publicKey), records: [], controls, sentSec: Math.floor(Date.now() / 1000), nonce: new Uint8Array(16) });
}

function say(controls: (records: readonly TransitRecord[], own: SigningKey) => readonly Uint8Array[], { signWith, to = GATE }: Signed = {}): Answer {
  return (response, { records }, own) => void response.end(answerOf(controls(records, own), signWith ?? own, to));
}

function receiptFor(rids: readonly Uint8Array[], key: SigningKey): Uint8Array {
  return makeReceipt(key, { taken: { form: 'rids', rids }, acceptedSec: 1, retainedUntilSec: 2_000_000_000 }).bytes;
}

const receipt = (records: readonly TransitRecord[], key: SigningKey): Uint8Array[] => (records.length === 0 ? [] : [receiptFor(records.map(({ rid }) => rid), key)]);
const truth = say(receipt);
const wanting = (ranges: readonly (readonly [number, number])[]): Answer => say((records) => records.map(({ rid }) => encodeRanges({ kind: 'want', rid, ranges })));

const BY_MORSELS = 'wants two hundred bytes one by one';
const LIES: Readonly<Record<string, Answer>> = {
  'answers with garbage': (response) => void response.end(new Uint8Array(1000).fill(0x9f)),
  'answers with nothing': (response) => void response.end(),
  'answers with half a batch': (response, { records }, own) => void response.end(answerOf(receipt(records, own), own, GATE).subarray(0, 200)),
  'signs its answer with another key': say((records) => receipt(records, OTHER), { signWith: OTHER }),
  'answers somebody else': say(receipt, { to: OTHER }),
  'brings a receipt of somebody else': say((records) => receipt(records, OTHER)),
  'signs for other records': say((_, own) => [receiptFor([new Uint8Array(32).fill(7)], own)]),
  'wants what lies behind the end': wanting([[BLOB_BYTES, BLOB_BYTES + 5000]]),
  'wants everything there can be': wanting([[0, Number.MAX_SAFE_INTEGER]]),
  [BY_MORSELS]: wanting(Array.from({ length: MORSEL_BYTES }, (_, index) => [index * 2, index * 2 + 1] as const)),
  'opens with a guess': say((records) => records.map(({ locator }) => encodeOpening({ kind: 'accept', locator, secret: new Uint8Array(16) }))),
  'refuses what it was not offered': say(() => [encodeRefusal({ rid: new Uint8Array(32), code: 'expired' })]),
  'points elsewhere': (response) => void response.writeHead(302, { location: 'https://127.0.0.1:1/' }).end(),
  'says that all is well and nothing else': (response) => void response.writeHead(204).end(),
  'never stops talking': (response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(new Uint8Array(1 << 20)));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  },
  'hangs up': (response) => void response.destroy(),
};

t.test('neighbours that lie release nothing, and those that come to tell the truth take over', { timeout: 60_000 }, async (t) => {
  const liars = Object.entries(LIES).map(([lie, answer], index) => ({ lie, domain: `liar-${index}.example`, name: `liar-${index}`, door: new Neighbour(testKey(100 + index), answer), message: messageNow(30 + index, `liar-${index}.example`, BLOB_BYTES) }));
  await Promise.all(liars.map(({ door }) => door.listen(t)));
  const { address, gateway } = await startGateway(t, {
    key: GATE,
    config: {
      peers: [client('client', CLIENT), ...liars.map(({ name, door }) => neighbour(name, door.key, [{ kind: 'https', url: `https://${LOCAL}:${door.port}`, retry: { firstMs: 200, capMs: 1000 } }]))],
      routes: liars.map(({ domain, name }) => ({ to: domain, via: name })),
    },
  });
  const { store } = gateway.context;
  const caller = new Caller(t, GATE, address.port);
  await caller.submit(CLIENT, liars.map(({ message }) => message));
  const stateOf = async (message: TestMessage): Promise<string | undefined> => (await store.find(message.record.rid))?.state;
  await until(() => liars.every(({ door }) => door.batches > 0));
  await new Promise((resolve) => setTimeout(resolve, WATCHED_MS));
  const batches = liars.map(({ door }) => door.batches);
  for (const [index, { lie, message }] of liars.entries()) {
    t.equal(await stateOf(message), 'held', `a neighbour that ${lie}`);
    t.ok((batches[index] ?? 0) <= (lie === BY_MORSELS ? MOST_MORSELS : MOST_BATCHES), `${batches[index]} batches`);
    t.same(await caller.fetch(message.messageId), message.blob);
  }

  for (const { door } of liars) door.answer = truth;
  for (const { lie, name, message } of liars) {
    // What is believed to be under way is offered again when its receipt is overdue; here nobody waits so long.
    await store.hurry(`peer:${name}`, Date.now(), 10);
    gateway.onWake?.();
    await until(async () => (await stateOf(message)) === 'forwarded');
    t.pass(`a neighbour that ${lie}, and then tells the truth`);
  }
});
