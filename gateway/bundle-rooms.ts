/**
 * Memory for bundles, used again and again. A bundle takes megabytes outside the JavaScript heap, and
 * the collector lets tens of them pile up before it looks: made anew each time, they doubled the memory of a gateway.
 */

/** What a few links have under way; what comes back beyond it is left to the collector. */
const KEPT_BYTES = 32 * 1024 * 1024;
/** Small ones cost nothing, and would take the places of large ones. */
const SMALLEST_KEPT_BYTES = 256 * 1024;

export class BundleRooms {
  readonly #free: Uint8Array[] = [];
  #freeBytes = 0;

  /** Memory of at least so many bytes, with anything in it. */
  take(bytes: number): Uint8Array {
    const index = bytes < SMALLEST_KEPT_BYTES ? -1 : this.#free.findIndex((room) => room.length >= bytes);
    if (index === -1) return new Uint8Array(bytes);
    const [room] = this.#free.splice(index, 1) as [Uint8Array];
    this.#freeBytes -= room.length;
    return room;
  }

  /** Only when nobody looks at it any more. */
  give(room: Uint8Array): void {
    if (room.length < SMALLEST_KEPT_BYTES || this.#freeBytes + room.length > KEPT_BYTES) return;
    this.#free.push(room);
    this.#freeBytes += room.length;
  }
}
