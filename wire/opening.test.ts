import t from 'tap';
import { concatBytes } from '../base/bytes.js';
import { readSpecVectors } from '../scripts/spec-vectors.js';
import { decodeOpening, decodeOpenings, encodeOpening, opens } from './opening.js';
import { decodeRecord } from './record.js';
import { runVectors } from './vectors.suite.js';

runVectors({ object: 'opening', decode: decodeOpening, encode: encodeOpening, notWritten: '-ignorable' });
runVectors({ object: 'openings', decode: decodeOpenings, encode: (openings) => concatBytes(...openings.map(encodeOpening)), sequence: true });

function vector(object: string, name: string): Uint8Array {
  return readSpecVectors(object).find((one) => one.name === name)!.bytes;
}

t.test('opens the commitment of its kind and no other', async (t) => {
  const record = decodeRecord(vector('record', 'record-full'));
  const retract = decodeOpening(vector('opening', 'opening-retract'));
  const accept = decodeOpening(vector('opening', 'opening-accept'));
  t.ok(opens(retract, record));
  t.ok(opens(accept, record));
  t.notOk(opens({ ...retract, kind: 'accept' }, record));
  t.notOk(opens({ ...accept, kind: 'retract' }, record));
});

t.test('opens no record with another locator, with a wrong secret, or without the commitment', async (t) => {
  const record = decodeRecord(vector('record', 'record-full'));
  const withoutAccept = decodeRecord(vector('record', 'record-no-accept'));
  const retract = decodeOpening(vector('opening', 'opening-retract'));
  const accept = decodeOpening(vector('opening', 'opening-accept'));
  t.notOk(opens({ ...retract, locator: new Uint8Array(24) }, record));
  t.notOk(opens({ ...retract, secret: new Uint8Array(16) }, record));
  t.notOk(opens(accept, withoutAccept));
});
