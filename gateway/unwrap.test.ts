import t from 'tap';
import { fromHex } from '../base/bytes.js';
import { ManualClock } from '../base/clock.js';
import { encodeBundle, makeBatchBundle } from '../wire/bundle.js';
import type { BatchBundle } from '../wire/bundle.js';
import { toDtnTimeMs } from '../wire/dtn-time.js';
import { BUNDLE_IS_ADMIN_RECORD } from '../wire/primary-block.js';
import { BundleRooms } from './bundle-rooms.js';
import { openTestGateway, testKey } from './gateway.test-helper.js';
import { unwrapBundle } from './unwrap.js';

const PAYLOAD = new Uint8Array(100).fill(5);

async function unwrap(fields: Partial<BatchBundle> | Uint8Array, clock = new ManualClock()): Promise<Uint8Array | undefined> {
  const { gateway } = await openTestGateway({ name: 'here', key: testKey(1), clock, peers: [] });
  const bytes = fields instanceof Uint8Array ? fields : encodeBundle(makeBatchBundle({ ...base(clock), ...fields }));
  const unwrapped = await unwrapBundle(
    gateway.context,
    (async function* () {
      for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
    })(),
    new BundleRooms(),
  );
  return unwrapped?.batch;
}

function base(clock: ManualClock): BatchBundle {
  return {
    source: { scheme: 'dtn', text: '//there/batch' },
    destination: { scheme: 'dtn', text: '//here/batch' },
    createdDtnMs: toDtnTimeMs(clock.nowMs()),
    sequence: 1,
    lifetimeMs: 60_000,
    hopLimit: 3,
    ageMs: 0,
    payload: PAYLOAD,
  };
}

t.test('a bundle for us gives up its payload', async (t) => {
  t.same(await unwrap({}), PAYLOAD);
});

t.test('a bundle for anybody else is refused', async (t) => {
  await t.rejects(unwrap({ destination: { scheme: 'dtn', text: '//elsewhere/batch' } }), { code: 'GATEWAY_NOT_OURS' });
  await t.rejects(unwrap({ destination: { scheme: 'dtn', text: '//here/mail' } }), { code: 'GATEWAY_NOT_OURS' });
  await t.rejects(unwrap({ destination: { scheme: 'ipn', node: 7, service: 1 } }), { code: 'GATEWAY_NOT_OURS' });
});

t.test('a bundle past its lifetime is dead, by its creation time or by its age', async (t) => {
  const clock = new ManualClock();
  await t.rejects(unwrap({ createdDtnMs: toDtnTimeMs(clock.nowMs() - 61_000) }, clock), { code: 'GATEWAY_BUNDLE_DEAD' });
  await t.rejects(unwrap({ createdDtnMs: 0, ageMs: 61_000 }), { code: 'GATEWAY_BUNDLE_DEAD' });
  t.same(await unwrap({ createdDtnMs: 0, ageMs: 59_000 }), PAYLOAD);
});

t.test('with a clock in doubt only the age counts', async (t) => {
  t.same(await unwrap({ createdDtnMs: toDtnTimeMs(1_700_000_000_000) }, new ManualClock(1000)), PAYLOAD);
});

t.test('a status report is no batch and no fault, and a damaged one is refused', async (t) => {
  // As ION 4.1.3 sends it: received and delivered in one report.
  const report = fromHex('8201848482f51b000000c5a041cd2e81f482f51b000000c5a041cd3281f400820282186401821b000000c5a041c92a00') as Uint8Array;
  const flagged = (payload: Uint8Array): Uint8Array => {
    const bundle = makeBatchBundle({ ...base(new ManualClock()), payload });
    return encodeBundle({ ...bundle, primary: { ...bundle.primary, flags: Number(bundle.primary.flags) | BUNDLE_IS_ADMIN_RECORD } });
  };
  t.equal(await unwrap(flagged(report)), undefined);
  await t.rejects(unwrap(flagged(report.subarray(0, 20))), { code: 'WIRE_TRUNCATED' });
});

t.test('more than the largest bundle is refused before it is gathered', async (t) => {
  const { gateway } = await openTestGateway({ name: 'here', key: testKey(1), clock: new ManualClock(), peers: [] });
  let given = 0;
  async function* endless(): AsyncIterable<Uint8Array> {
    for (;;) {
      given += 1 << 20;
      yield new Uint8Array(1 << 20);
    }
  }
  await t.rejects(unwrapBundle(gateway.context, endless(), new BundleRooms()), { code: 'WIRE_LIMIT' });
  t.ok(given <= 17 << 20);
});
