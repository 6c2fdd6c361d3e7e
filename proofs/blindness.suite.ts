/** Blindness: what is marked at the sending end is found at both ends, and nowhere in what the gateways between them keep, say or send. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { whyNoCapture } from '../links/loopback-capture.test-helper.js';
import { decodeDomainRecord } from '../wire/domain-record.js';
import { keyId } from '../wire/keys.js';
import { OBJECT_TYPE } from '../wire/object-types.js';
import { walk } from './walk.test-helper.js';
import type { WalkWishes } from './walk.test-helper.js';

export function proveBlindness(wishes: Pick<WalkWishes, 'link'>): void {
  t.test(`two gateways over ${wishes.link} learn nothing of what they carry`, { timeout: 110_000 }, async (t) => {
    const noCapture = whyNoCapture();
    const { sites, marks, locators, filesDir, captureFile } = await walk(t, { ...wishes, capture: noCapture === false }, ({ name, places }) => {
      for (const [place, find] of Object.entries(places)) t.same(find(), [], `nothing in the ${place} once all is ${name}`);
    });
    const { north, south } = sites;

    for (const [what, canaries] of marks) {
      t.ok(canaries.below(north.home).length + canaries.below(filesDir).length > 0, `at the sending end: ${what}`);
      t.ok(canaries.below(south.home).length > 0, `at the receiving end: ${what}`);
    }
    for (const { gatewayDir, gateway } of [north, south]) {
      t.ok(locators.below(gatewayDir).length > 0, `locators are found in the folder of ${gateway.name}, as ids would be`);
      t.ok(readFileSync(gateway.stderrFile, 'utf8').includes('"level":"debug"'), `${gateway.name} spoke in detail`);
    }

    await t.test('nor does any packet tell', { skip: noCapture }, async (t) => {
      const packets = readFileSync(captureFile ?? '');
      for (const [what, canaries] of marks) t.same(canaries.in(packets), [], `no packet holds the ${what}`);
      const { kemKey } = decodeDomainRecord(readFileSync(path.join(south.gatewayDir, 'peers/south-example.record')));
      t.ok(packets.includes(Buffer.concat([Uint8Array.of(OBJECT_TYPE.datagram), keyId(kemKey)])), 'the knocks are among them');
      t.ok(packets.length > 2 * 2_500_000, 'and so are the large blobs');
    });
  });
}
