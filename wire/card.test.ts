import t from 'tap';
import { isPosternError } from '../base/errors.js';
import { MAX_CARD_TEXT, decodeDomainCard, decodeGatewayCard, formatCard, makeDomainCard, makeGatewayCard, parseCard } from './card.js';
import { makeDomainRecord } from './domain-record.js';
import { makeKeyRecord } from './key-record.js';
import { kemKeyFromSeed, signingKeyFromSeed } from './keys.js';
import type { SigningKey } from './keys.js';

const CREATED = 1_800_000_000;
const domainKey = signingKeyFromSeed(new Uint8Array(32).fill(1));
const gatewayKey = signingKeyFromSeed(new Uint8Array(32).fill(2));
const otherKey = signingKeyFromSeed(new Uint8Array(32).fill(3));

const record = makeDomainRecord(domainKey, {
  domain: 'north.example',
  kemKey: kemKeyFromSeed(new Uint8Array(32).fill(4)).publicKey,
  createdSec: CREATED,
  notAfterSec: CREATED + 1000,
  escrow: false,
  endpoints: [{ host: 'north.example', udpPort: 4557 }],
});

function user(address: string, signedBy: SigningKey = domainKey) {
  return makeKeyRecord(
    { user: otherKey, domain: signedBy },
    { address, kemKey: kemKeyFromSeed(new Uint8Array(32).fill(5)).publicKey, createdSec: CREATED, notBeforeSec: CREATED, notAfterSec: CREATED + 1000, status: 'current', escrow: false },
  );
}

const domainCard = makeDomainCard(domainKey, { domain: record, users: [user('ann@north.example'), user('bo@north.example')], createdSec: CREATED });
const gatewayCard = makeGatewayCard(gatewayKey, { name: 'shore', url: 'https://gateway.example:8443', createdSec: CREATED });

t.test('comes back from its text, whatever stands around it', async (t) => {
  for (const card of [domainCard, gatewayCard]) {
    const text = formatCard(card);
    t.strictSame(parseCard(text), card);
    t.strictSame(parseCard(`Here is my card:\r\n\r\n${text.replaceAll('\n', '\r\n')}\r\nBye\r\n`), card);
  }
  t.equal(parseCard(''), undefined);
  t.equal(parseCard('-----BEGIN POSTERN DOMAIN CARD-----\nAAAA\n-----END POSTERN GATEWAY CARD-----'), undefined);
});

t.test('holds what it was made of', async (t) => {
  t.equal(domainCard.domain.domain, 'north.example');
  t.strictSame(domainCard.users.map(({ address }) => address), ['ann@north.example', 'bo@north.example']);
  t.match(gatewayCard, { name: 'shore', url: 'https://gateway.example:8443', key: gatewayKey.publicKey, createdSec: CREATED });
});

t.test('refuses a card that is signed with another key than the one in it', async (t) => {
  t.throws(() => makeDomainCard(otherKey, { domain: record, users: [], createdSec: CREATED }), { code: 'WIRE_SIGNATURE' });
});

t.test('refuses users of another domain, users the domain has not signed, and a user twice', async (t) => {
  const make = (users: ReturnType<typeof user>[]) => makeDomainCard(domainKey, { domain: record, users, createdSec: CREATED });
  t.throws(() => make([user('ann@south.example')]), { code: 'WIRE_VALUE' });
  t.throws(() => make([user('ann@north.example', otherKey)]), { code: 'WIRE_SIGNATURE' });
  t.throws(() => make([user('ann@north.example'), user('ann@north.example')]), { code: 'WIRE_VALUE' });
});

t.test('refuses a gateway whose address leads anywhere but to a host', async (t) => {
  for (const url of ['https://a.example/path', 'https://u@a.example', 'ftp://a.example', 'https://a.example?x=1', '', 'javascript:alert(1)']) {
    t.throws(() => makeGatewayCard(gatewayKey, { name: 'shore', url, createdSec: CREATED }), { code: 'WIRE_VALUE' }, url);
  }
  t.throws(() => makeGatewayCard(gatewayKey, { name: '../x', url: 'https://a.example', createdSec: CREATED }), { code: 'WIRE_VALUE' });
});

t.test('says how bundles reach a gateway, where they do', async (t) => {
  const fields = { name: 'shore', url: 'https://gateway.example:8443', createdSec: CREATED };
  const card = makeGatewayCard(gatewayKey, { ...fields, nodeId: 'dtn://shore/', tcpclPort: 4556 });
  t.match(parseCard(formatCard(card)), { nodeId: 'dtn://shore/', tcpclPort: 4556 });
  t.notOk('nodeId' in gatewayCard || 'tcpclPort' in gatewayCard);
  for (const wrong of [{ nodeId: 'shore' }, { nodeId: 'dtn://shore/batch' }, { nodeId: 'ipn:0.0' }, { nodeId: 'ipn:4294967295.0' }, { nodeId: 'ipn:4294967296.0' }, { tcpclPort: 0 }, { tcpclPort: 65_536 }]) {
    t.throws(() => makeGatewayCard(gatewayKey, { ...fields, ...wrong }), { code: 'WIRE_VALUE' });
  }
});

t.test('gives a coded error for every card cut short and every flipped bit', async (t) => {
  for (const { bytes, decode } of [
    { bytes: domainCard.bytes, decode: decodeDomainCard },
    { bytes: gatewayCard.bytes, decode: decodeGatewayCard },
  ]) {
    for (let at = 0; at < bytes.length; at += 1) {
      for (const broken of [bytes.subarray(0, at), flipped(bytes, at)]) {
        try {
          decode(broken);
          t.fail(`read a card broken at byte ${at}`);
        } catch (thrown) {
          if (!isPosternError(thrown)) throw thrown;
        }
      }
    }
  }
});

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at]! ^= 1;
  return copy;
}

t.test('looks through any text in time that is in proportion to it', async (t) => {
  for (const filling of [' ', 'A', '\n', '-----BEGIN POSTERN DOMAIN CARD-----\n', '-----BEGIN POSTERN DOMAIN CARD----- A ']) {
    t.equal(parseCard(`-----BEGIN POSTERN DOMAIN CARD-----\n${filling.repeat(Math.ceil(MAX_CARD_TEXT / filling.length))}`), undefined, JSON.stringify(filling));
  }
});
