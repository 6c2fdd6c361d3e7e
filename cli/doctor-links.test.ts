import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseConfig } from '../gateway/config.js';
import { lookAtLinks } from './doctor-links.js';
import { lookAtPorts } from './doctor-machine.js';

function config(dir: string, links: readonly object[], listen: object = {}): ReturnType<typeof parseConfig> {
  const value = {
    gateway: { name: 'pier', nodeId: 'dtn://pier/', publicUrl: 'https://pier.example', keyFile: 'gateway.key' },
    listen: { https: { host: '127.0.0.1', port: 0 }, ...listen },
    peers: [{ name: 'shore', role: 'neighbour', key: Buffer.alloc(32, 7).toString('base64url'), nodeId: 'dtn://shore/', links }],
  };
  return parseConfig(value, join(dir, 'postern.yaml'));
}

t.test('finds devices, programs and inboxes that are missing, and those that are there', async (t) => {
  const dir = t.testdir({ bin: { mover: '#!/bin/sh\n', notes: 'no program' }, modem: '', inbox: {} });
  chmodSync(join(dir, 'bin/mover'), 0o755);
  const command = (program: string, inbox: string): object => ({ kind: 'command', program: [program, '{file}'], inbox });
  const cases = [
    [{ kind: 'burst', device: join(dir, 'modem') }, ['fine']],
    [{ kind: 'burst', device: '/dev/no-modem' }, ['bad']],
    [command('bin/mover', 'inbox'), ['fine', 'fine']],
    [command('mover', 'inbox'), ['fine', 'fine']],
    [command('bin/notes', 'new'), ['bad', 'remark']],
    [command('absent', 'modem/inbox'), ['bad', 'bad']],
    [command('bin/absent', 'inbox'), ['bad', 'fine']],
    [{ kind: 'usb' }, []],
  ] as const;
  for (const [link, states] of cases) {
    const found = await lookAtLinks(config(dir, [link]), `/nowhere:${join(dir, 'bin')}`);
    t.same(found.map(({ state }) => state), states, JSON.stringify(link));
  }
});

t.test('finds a UDP port that another program has', async (t) => {
  const socket = createSocket('udp4');
  t.teardown(() => socket.close());
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const ltp = { host: '127.0.0.1', port: socket.address().port, engineId: 7 };
  const taken = await lookAtPorts(config(t.testdir(), [], { ltp, broadcast: { host: '127.0.0.1', port: 0 } }));
  t.match(taken.find(({ what }) => what === 'port for ltp'), { state: 'bad', mend: /Another program has it/ });
  t.match(taken.find(({ what }) => what === 'port for broadcast'), { state: 'fine' });
});
