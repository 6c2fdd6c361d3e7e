/**
 * Memory for bundles on their way out, used again and again. A bundle takes megabytes outside the JavaScript heap, and
 * the collector lets tens of them pile up before it looks: made anew each time, they doubled the memory of a gateway.
 */

/** More than any link has under way; what comes back beyond it is left to the collector. */
const KEPT = 16;
/** Small ones cost nothing, and would take the places of large ones. */
const SMALLEST_KEPT_BYTES = 256 * 1024;

export class BundleRooms {
  readonly #free: Uint8Array[] = [];

  /** Memory of at least so many bytes, with anything in it. */
  take(bytes: number): Uint8Array {
    if (bytes < SMALLEST_KEPT_BYTES) return new Uint8Array(bytes);
    const index = this.#free.findIndex((room) => room.length >= bytes);
    return index === -1 ? new Uint8Array(bytes) : (this.#free.splice(index, 1)[0] as Uint8Array);
  }

  /** Only when nobody looks at it any more. */
  give(room: Uint8Array): void {
    if (room.length >= SMALLEST_KEPT_BYTES && this.#free.length < KEPT) this.#free.push(room);
  }
}
