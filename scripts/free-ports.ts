/**
 * Ports of 127.0.0.1 that nobody has right now, and that no outgoing connection takes while a process is down: below
 * the range the system gives to those. Somebody else may take one before it is used: then its user tries again.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

const FIRST = 10_240;
/** Linux begins its own range here (ip_local_port_range). */
const END = 32_768;
const TRIES = 100;

export function freeTcpPorts(count: number): Promise<number[]> {
  return freePorts(count, async (port) => {
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    await new Promise((resolve) => server.close(resolve));
  });
}

export async function freeUdpPort(): Promise<number> {
  const [port] = await freePorts(1, async (port) => {
    const socket = createSocket('udp4');
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    await new Promise<void>((resolve) => socket.close(resolve));
  });
  return port!;
}

async function freePorts(count: number, take: (port: number) => Promise<void>): Promise<number[]> {
  const free = new Set<number>();
  for (let tries = 0; free.size < count && tries < TRIES; tries += 1) {
    const port = FIRST + Math.floor(Math.random() * (END - FIRST));
    await take(port).then(
      () => free.add(port),
      () => undefined,
    );
  }
  if (free.size < count) throw new Error(`no ${count} free ports between ${FIRST} and ${END}`);
  return [...free];
}
