/** What `postern doctor` looks at on this machine: the folder, the disk under it, the ports, the clock. */
import { createSocket } from 'node:dgram';
import { access, constants, stat, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { codeOf } from '../base/durable-file.js';
import { messageOf } from '../base/errors.js';
import type { GatewayConfig } from '../gateway/config.js';
import { readHighWater } from '../gateway/high-water.js';
import { bad, fine, remark, type Finding } from './doctor-finding.js';
import { formatBytes, formatDuration } from './output.js';

/** statfs(2) magic numbers of file systems that do not keep what is written, or not as promised. */
const UNFIT: ReadonlyMap<number, string> = new Map([
  [0x0102_1994, 'a RAM disk (tmpfs): all is lost when the machine stops'],
  [0x8584_58f6, 'a RAM disk (ramfs): all is lost when the machine stops'],
  [0x6969, 'a network share (NFS): it may lose what it has confirmed'],
  [0xff53_4d42, 'a network share (CIFS): it may lose what it has confirmed'],
  [0xfe53_4d42, 'a network share (SMB2): it may lose what it has confirmed'],
]);
const OTHERS_WRITE = 0o022;

export async function lookAtFolder({ data }: GatewayConfig): Promise<Finding> {
  try {
    const found = await stat(data);
    if (!found.isDirectory()) return bad('data folder', `${data} is no folder`, 'Name another one under "data" in the configuration.');
    await access(data, constants.R_OK | constants.W_OK | constants.X_OK);
    if ((found.mode & OTHERS_WRITE) !== 0) return bad('data folder', `${data} can be written by others`, `chmod 700 ${data}`);
    return fine('data folder', data);
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return remark('data folder', `${data} is not there yet`, 'The gateway makes it when it first runs.');
    return bad('data folder', messageOf(thrown), 'Give it to the user that runs the gateway.');
  }
}

/** @param heldBytes what of the capacity is used already */
export async function lookAtDisk({ data, store }: GatewayConfig, heldBytes: number): Promise<Finding[]> {
  try {
    const { type, bavail, bsize } = await statfs(await nearestFolder(data));
    const freeBytes = bavail * bsize;
    const unfit = UNFIT.get(type);
    const wantedBytes = store.capacityBytes - heldBytes;
    return [
      unfit === undefined ? fine('file system', 'a local disk') : remark('file system', `${data} is on ${unfit}`, 'Put "data" on a local disk.'),
      freeBytes >= wantedBytes
        ? fine('disk space', `${formatBytes(freeBytes)} free, the store may grow by ${formatBytes(wantedBytes)}`)
        : remark('disk space', `${formatBytes(freeBytes)} free, and the store may grow by ${formatBytes(wantedBytes)}`, 'Free some, or lower store.capacityBytes: a gateway that runs into a full disk refuses more than it has to.'),
    ];
  } catch (thrown) {
    return [bad('disk space', messageOf(thrown), 'Look at the disk that "data" is on.')];
  }
}

async function nearestFolder(folder: string): Promise<string> {
  try {
    await stat(folder);
    return folder;
  } catch (thrown) {
    if (codeOf(thrown) !== 'ENOENT' || dirname(folder) === folder) throw thrown;
    return nearestFolder(dirname(folder));
  }
}

/** Whether the gateway could listen. Asked only while it does not run. */
export async function lookAtPorts({ listen }: GatewayConfig): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const name of ['https', 'tcpcl', 'metrics'] as const) {
    const address = listen[name];
    if (address !== undefined) findings.push(await lookAtPort(`port for ${name}`, address.host, address.port));
  }
  for (const name of ['ltp', 'broadcast'] as const) {
    const address = listen[name];
    if (address !== undefined) findings.push(await lookAtUdpPort(`port for ${name}`, address.host, address.port));
  }
  return findings;
}

function lookAtPort(what: string, host: string, port: number): Promise<Finding> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(portFault(what, host, port, error)));
    server.listen(port, host, () => server.close(() => resolve(fine(what, `${host} port ${port} is free`))));
  });
}

function lookAtUdpPort(what: string, host: string, port: number): Promise<Finding> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', (error: NodeJS.ErrnoException) => socket.close(() => resolve(portFault(what, host, port, error))));
    socket.bind(port, host, () => socket.close(() => resolve(fine(what, `${host} port ${port} (UDP) is free`))));
  });
}

function portFault(what: string, host: string, port: number, error: NodeJS.ErrnoException): Finding {
  const mends: Readonly<Record<string, string>> = {
    EADDRINUSE: 'Another program has it: stop that one, or choose another port.',
    EACCES: 'Ports below 1024 need a right of their own: choose a higher one, or give the program CAP_NET_BIND_SERVICE.',
    EADDRNOTAVAIL: 'The address is not one of this machine: 0.0.0.0 stands for all of them.',
  };
  return bad(what, `${host} port ${port}: ${error.message}`, mends[error.code ?? ''] ?? 'Choose another address or port.');
}

/** As ClockTrust judges at the start, for a gateway that does not run. */
export async function lookAtClock({ data, clock }: GatewayConfig, nowMs: number): Promise<Finding> {
  const knownMs = await readHighWater(join(data, 'clock'));
  const shown = new Date(nowMs).toISOString();
  if (knownMs === undefined) return fine('clock', `${shown} (nothing to compare it with yet)`);
  const mend = 'Set the clock of this machine. Until the gateway can trust it, nothing expires.';
  if (nowMs < knownMs - SLACK_MS) return bad('clock', `${shown} is ${formatDuration(knownMs - nowMs)} behind a time that was known before`, mend);
  if (nowMs > knownMs + clock.leapMs) return remark('clock', `${shown} is ${formatDuration(nowMs - knownMs)} after the gateway last ran`, 'If that is right, say so once it runs: postern clock confirm');
  return fine('clock', shown);
}

/** Time daemons step clocks by a little. */
const SLACK_MS = 5 * 60_000;
