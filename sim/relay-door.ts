/** Where a relay listens, for which way of which link, and whom it hands on to. */

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Door {
  readonly kind: 'tcp' | 'udp';
  readonly link: string;
  /** The node that is reached through it. */
  readonly towards: string;
  /** Port 0: any that is free. */
  readonly listen: Address;
  readonly target: Address;
}

/** A door that is open. */
export interface OpenDoor {
  /** The real port where 0 was asked for. */
  readonly port: number;
  /** Breaks every connection that stands. */
  cut(): void;
  /** Datagrams of others than the neighbour, which are dropped. */
  readonly strangers?: number;
  /** Closes everything. Safe to call twice. */
  stop(): Promise<void>;
}

export interface RunningDoor {
  readonly door: Door;
  readonly open: OpenDoor;
}

const LOOPBACK = '127.0.0.1';
const DOOR = /^([a-z0-9-]+):([a-z0-9-]+)=([^,]+),([^,]+)$/;
const ADDRESS = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):)?(\d{1,5})$/;

/** `LINK:NODE=LISTEN,TARGET`; undefined where it is none. A host that is left out is this machine. */
export function parseDoor(kind: Door['kind'], text: string): Door | undefined {
  const [, link, towards, listen, target] = DOOR.exec(text) ?? [];
  const [near, far] = [parseAddress(listen ?? ''), parseAddress(target ?? '')];
  if (link === undefined || towards === undefined || near === undefined || far === undefined || far.port === 0) return undefined;
  return { kind, link, towards, listen: near, target: far };
}

function parseAddress(text: string): Address | undefined {
  const [, ipv6, name, port] = ADDRESS.exec(text) ?? [];
  return port === undefined || Number(port) > 65_535 ? undefined : { host: ipv6 ?? name ?? LOOPBACK, port: Number(port) };
}

export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
