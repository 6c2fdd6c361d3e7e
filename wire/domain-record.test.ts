import t from 'tap';
import { readSpecVectors } from '../scripts/spec-vectors.js';
import { decodeDomainRecord, makeDomainRecord } from './domain-record.js';
import { SOUTH, SOUTH_KEM } from './sealed-test-helper.js';
import { runVectors } from './vectors.suite.js';

runVectors({
  object: 'domain-record',
  decode: (bytes) => decodeDomainRecord(bytes),
  encode: (record) => makeDomainRecord(SOUTH, record).bytes,
  notWritten: '-ignorable',
});

t.test('a domain record says what the domain put into it', async (t) => {
  const record = decodeDomainRecord(readSpecVectors('domain-record').find(({ name }) => name === 'domain-record-plain')!.bytes);
  t.match(record, {
    domain: 'south.example',
    createdSec: 1_800_000_000,
    notAfterSec: 1_802_592_000,
    escrow: false,
    endpoints: [
      { host: 'knock.south.example', udpPort: 4557 },
      { host: '2001:db8::1', udpPort: 4557 },
    ],
  });
  t.same(record.signingKey, SOUTH.publicKey);
  t.same(record.kemKey, SOUTH_KEM.publicKey);
});
