import t from 'tap';
import { toHex } from '../base/bytes.js';
import { recipientHash } from './recipient-hash.js';
import { ADA_KEM, BOB_KEM } from './sealed-test-helper.js';

t.test('the hash that spec/keys.md shows', async (t) => {
  t.equal(toHex(recipientHash(ADA_KEM.publicKey, BOB_KEM.publicKey, 'south.example')), '51bd58259baa96bfde98cea7537af7e5811fc4c8a3df9c6b');
});

t.test('it differs by direction, by pair and by domain', async (t) => {
  const hashes = [
    recipientHash(ADA_KEM.publicKey, BOB_KEM.publicKey, 'south.example'),
    recipientHash(BOB_KEM.publicKey, ADA_KEM.publicKey, 'south.example'),
    recipientHash(ADA_KEM.publicKey, ADA_KEM.publicKey, 'south.example'),
    recipientHash(ADA_KEM.publicKey, BOB_KEM.publicKey, 'north.example'),
  ];
  t.equal(new Set(hashes.map(toHex)).size, hashes.length);
});
