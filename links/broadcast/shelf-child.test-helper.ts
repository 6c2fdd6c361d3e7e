/** A process that hears one broadcast and says what it has got: for tests that kill it. Its arguments: the folder, and the port it is heard at. */
import process from 'node:process';
import { systemClock } from '../../base/clock.js';
import { collector } from '../link.suite.js';
import { cryptoOf, keyOf, partyOf } from './broadcast-test-helper.js';
import { BroadcastLink } from './broadcast-link.js';
import { BroadcastListener } from './broadcast-listener.js';
import { SymbolShelf } from './symbol-shelf.js';
import { UdpSource } from './udp.js';

const [folder = '', port = '0'] = process.argv.slice(2);
const [west, east] = [keyOf(1), keyOf(2)];
const source = new UdpSource({ host: '127.0.0.1', port: Number(port), groups: [], receiveBufferBytes: 1 << 22 });
const shelf = new SymbolShelf({ folder, limitBytes: 8 << 20, clock: systemClock });
const listener = new BroadcastListener({ source, ourId: partyOf(east).id, memoryBytes: 8 << 20, crypto: cryptoOf(east), clock: systemClock, shelf });
const link = new BroadcastLink({ neighbour: 'west', us: partyOf(east), peer: partyOf(west), listener, largestBytes: 4 << 20, parallel: 1, crypto: cryptoOf(east), clock: systemClock });
const { deliver, digests } = collector();
await link.start(async (arrival) => {
  const result = await deliver(arrival);
  process.send?.({ digest: digests.at(-1) });
  return result;
});
process.send?.({ port: source.port });
