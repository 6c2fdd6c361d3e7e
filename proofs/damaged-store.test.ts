/**
 * A gateway whose disk has damaged what it keeps: the index in any of its files, the log in its middle and at its end,
 * blobs in files of their own. It starts, says what is lost, and carries on with everything else.
 */
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { testKey } from '../gateway/gateway.test-helper.js';
import type { RunningGateway } from '../gateway/main.js';
import { freeTcpPorts } from '../scripts/free-ports.js';
import { Caller, client, LOCAL, messageNow, neighbour, startGateway, until } from './real-gateway.test-helper.js';

const WEST = testKey(1);
const EAST = testKey(2);
const CLIENT = testKey(3);
const SMALL_BYTES = 50_000;
const LARGE_BYTES = 1_200_000;
const messages = Array.from({ length: 32 }, (_, index) => messageNow(500 + index, 'far.example', index % 8 === 7 ? LARGE_BYTES : SMALL_BYTES));
/** Long enough for more to come than should. */
const LAST_COMERS_MS = 700;

interface Prepared {
  /** The folder of west, which has taken all messages for east and was stopped. */
  readonly dir: string;
  /** Where east will listen. */
  readonly port: number;
}

function startWest(t: Test, dir: string, port: number): Promise<RunningGateway> {
  const link = { kind: 'https', url: `https://${LOCAL}:${port}`, retry: { firstMs: 200, capMs: 1000 } };
  return startGateway(t, { key: WEST, name: 'west', dir, config: { peers: [client('client', CLIENT), neighbour('east', EAST, [link])], routes: [{ to: '*', via: 'east' }] } });
}

async function prepare(t: Test): Promise<Prepared> {
  const dir = t.testdir();
  const [port = 0] = await freeTcpPorts(1);
  const west = await startWest(t, dir, port);
  const caller = new Caller(t, WEST, west.address.port);
  for (let at = 0; at < messages.length; at += 8) await caller.submit(CLIENT, messages.slice(at, at + 8));
  await west.stop();
  return { dir, port };
}

/** A copy of the prepared folder, damaged. */
function damagedCopy(t: Test, { dir }: Prepared, damage: (store: string) => void): string {
  const copy = t.testdir();
  cpSync(dir, copy, { recursive: true });
  damage(path.join(copy, 'data/store'));
  return copy;
}

/** How many of the messages are there, as they were. */
async function unchangedAt({ gateway }: RunningGateway): Promise<number> {
  const { store } = gateway.context;
  let count = 0;
  for (const { record, blob } of messages) {
    const source = await store.blob(record.rid);
    if (source !== undefined && Buffer.from(await source.read(0, source.bytes)).equals(blob)) count += 1;
  }
  return count;
}

function alter(file: string, at: number, bytes = 16): void {
  const content = readFileSync(file);
  for (let i = at; i < Math.min(at + bytes, content.length); i += 1) content[i]! ^= 0x55;
  writeFileSync(file, content);
}

function filesIn(store: string, folder: string): string[] {
  return readdirSync(path.join(store, folder)).sort().map((name) => path.join(store, folder, name));
}

function halfWay(file: string): number {
  return readFileSync(file).length >> 1;
}

/** Where the log ends: behind it are zeros. */
function lastSegment(store: string): { file: string; endOffset: number } {
  for (const file of filesIn(store, 'segments').reverse()) {
    const endOffset = readFileSync(file).findLastIndex((byte) => byte !== 0) + 1;
    if (endOffset > 0) return { file, endOffset };
  }
  throw new Error('the log is empty');
}

const INDEX_DAMAGE: Readonly<Record<string, (file: string) => void>> = {
  'changed in the middle': (file) => alter(file, halfWay(file)),
  'cut in half': (file) => truncateSync(file, halfWay(file)),
  emptied: (file) => truncateSync(file, 0),
  gone: (file) => rmSync(file),
};

t.test('an index that is damaged is made again from the log, whichever of its files it is', { timeout: 100_000 }, async (t) => {
  const prepared = await prepare(t);
  const index = (store: string): string[] => filesIn(store, 'index').filter((file) => !/LOCK|LOG/.test(path.basename(file)));
  const kinds = index(path.join(prepared.dir, 'data/store')).map((file) => path.basename(file).replace(/\d+/, 'N'));
  t.match(new Set(kinds), new Set(['CURRENT', 'MANIFEST-N', 'N.ldb', 'N.log']), 'every kind of file is there to be damaged');
  for (const [what, damage] of [...Object.entries(INDEX_DAMAGE), ['removed whole', undefined] as const]) {
    for (const number of damage === undefined ? [0] : kinds.keys()) {
      await t.test(`${damage === undefined ? 'the index' : kinds[number]}: ${what}`, async (t) => {
        const copy = damagedCopy(t, prepared, (store) => (damage === undefined ? rmSync(path.join(store, 'index'), { recursive: true }) : damage(index(store)[number] as string)));
        const west = await startWest(t, copy, prepared.port);
        t.equal(west.gateway.context.store.status().records, messages.length);
        t.equal(await unchangedAt(west), messages.length);
        await west.stop();
      });
    }
  }
});

/** What is damaged, and how many messages it costs. */
const LOSSES: Readonly<Record<string, readonly [lost: number, damage: (store: string) => void]>> = {
  'the log is changed in the middle': [1, (store) => alter(filesIn(store, 'segments')[0] as string, 300_000)],
  'the log is changed in the middle and the index is gone': [
    1,
    (store) => {
      alter(filesIn(store, 'segments')[0] as string, 300_000);
      rmSync(path.join(store, 'index'), { recursive: true });
    },
  ],
  'a file of a blob is gone': [1, (store) => rmSync(filesIn(store, 'blobs')[0] as string)],
  'a file of a blob is cut short': [1, (store) => truncateSync(filesIn(store, 'blobs')[1] as string, 1_000_000)],
  'a file of a blob is changed': [1, (store) => alter(filesIn(store, 'blobs')[2] as string, 600_000)],
  'the end of the log is changed': [
    1,
    (store) => {
      const { file, endOffset } = lastSegment(store);
      alter(file, endOffset - 200, 8);
    },
  ],
};

t.test('what is damaged does not go out, and everything else does', { timeout: 100_000 }, async (t) => {
  const prepared = await prepare(t);
  for (const [what, [lost, damage]] of Object.entries(LOSSES)) {
    await t.test(what, async (t) => {
      const copy = damagedCopy(t, prepared, damage);
      const east = await startGateway(t, { key: EAST, name: 'east', config: { listen: { https: { host: LOCAL, port: prepared.port } }, peers: [neighbour('west', WEST)] } });
      const west = await startWest(t, copy, prepared.port);
      const arrived = (): number => {
        const { records, incoming } = east.gateway.context.store.status();
        return records - incoming;
      };
      await until(() => arrived() >= messages.length - lost);
      await new Promise((resolve) => setTimeout(resolve, LAST_COMERS_MS));
      t.equal(await unchangedAt(east), messages.length - lost);
      t.equal(arrived(), messages.length - lost, 'nothing else came');
      const more = messageNow(9000, 'far.example');
      t.equal((await new Caller(t, WEST, west.address.port).submit(CLIENT, [more])).controls[0]?.kind, 'receipt', 'the next one is taken');
      await until(() => arrived() > messages.length - lost);
      t.pass('and goes out');
      await Promise.all([west.stop(), east.stop()]);
    });
  }
});
