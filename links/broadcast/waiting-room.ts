/**
 * Symbol packets of objects that nobody has announced yet: kept in their order of arrival, within a limit, because an
 * announcement may be lost where its symbols are not.
 */
export class WaitingRoom {
  readonly #limitBytes: number;
  readonly #packets = new Map<string, Uint8Array[]>();
  #heldBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The object that has waited longest goes when there is no room. */
  add(tag: string, packet: Uint8Array): void {
    if (packet.length > this.#limitBytes) return;
    while (this.#heldBytes + packet.length > this.#limitBytes) this.take([...this.#packets.keys()][0]!);
    const waiting = this.#packets.get(tag);
    if (waiting === undefined) this.#packets.set(tag, [packet.slice()]);
    else waiting.push(packet.slice());
    this.#heldBytes += packet.length;
  }

  take(tag: string): Uint8Array[] {
    const waiting = this.#packets.get(tag) ?? [];
    this.#packets.delete(tag);
    for (const packet of waiting) this.#heldBytes -= packet.length;
    return waiting;
  }
}
