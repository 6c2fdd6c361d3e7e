/** The doors to all gateways a domain knows, by key: in the order of the config, and where a knock says they are. */
import { equalBytes } from '../base/bytes.js';
import type { Clock } from '../base/clock.js';
import type { Random } from '../base/random.js';
import type { SigningKey } from '../wire/keys.js';
import type { GatewayConfig } from './domain-config.js';
import { GatewayDoor } from './gateway-door.js';
import type { Holder } from './state-schema.js';

/** A gateway of many boxes may name a box of its own in each knock; the connections of the others are let go. */
const MOST_OTHER_DOORS = 16;

export class Doors {
  /** In the order of the config. */
  readonly known: readonly GatewayDoor[];
  readonly #parts: { ours: SigningKey; clock: Clock; random: Random };
  readonly #elsewhere = new Map<string, GatewayDoor>();

  constructor(gateways: readonly GatewayConfig[], parts: { ours: SigningKey; clock: Clock; random: Random }) {
    this.#parts = parts;
    this.known = gateways.map((gateway) => new GatewayDoor({ ...parts, ...gateway }));
  }

  /** The gateway with this key id, or undefined: nobody else's knock is heard. */
  byKeyId(keyId: Uint8Array): GatewayDoor | undefined {
    return this.known.find((door) => equalBytes(door.keyId, keyId));
  }

  /**
   * The door to a holder. Where it says it is at another address than the config says, it is believed for https only,
   * where it must prove its key before it hears anything: a knock cannot aim a fetch at somebody else.
   */
  of(holder: Holder): GatewayDoor | undefined {
    const known = this.byKeyId(holder.keyId);
    if (known === undefined || known.url === holder.url) return known;
    if (!holder.url.startsWith('https://')) return undefined;
    const name = `${holder.url} ${known.name}`;
    const door = this.#elsewhere.get(name) ?? new GatewayDoor({ ...this.#parts, name: known.name, url: holder.url, key: known.key });
    this.#elsewhere.delete(name);
    this.#elsewhere.set(name, door);
    for (const [oldest, other] of this.#elsewhere) {
      if (this.#elsewhere.size <= MOST_OTHER_DOORS) break;
      other.close();
      this.#elsewhere.delete(oldest);
    }
    return door;
  }

  close(): void {
    for (const door of [...this.known, ...this.#elsewhere.values()]) door.close();
  }
}
