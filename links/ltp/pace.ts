/** A token bucket: what leaves keeps to the rate of the contact, in bursts no longer than a moment. */

/** The header of UDP over IPv4, which goes over the link, too. */
export const DATAGRAM_OVERHEAD_BYTES = 28;
/** What may leave at once: timers are no finer than this where they have much to do. */
const BURST_MS = 20;

export class Pace {
  readonly #leastBurstBytes: number;
  #tokens: number;
  #atMs: number;

  /** @param leastBurstBytes room for one datagram at least */
  constructor(leastBurstBytes: number, nowMs: number) {
    this.#leastBurstBytes = leastBurstBytes;
    this.#tokens = leastBurstBytes;
    this.#atMs = nowMs;
  }

  /** Milliseconds until a datagram of so many bytes may leave. */
  waitMs(bytes: number, rateBytesPerSec: number, nowMs: number): number {
    const bytesPerMs = rateBytesPerSec / 1000;
    const burstBytes = Math.max(this.#leastBurstBytes, bytesPerMs * BURST_MS);
    this.#tokens = Math.min(burstBytes, this.#tokens + Math.max(0, nowMs - this.#atMs) * bytesPerMs);
    this.#atMs = nowMs;
    const missing = Math.min(bytes, burstBytes) - this.#tokens;
    return missing <= 0 ? 0 : missing / bytesPerMs;
  }

  spend(bytes: number): void {
    this.#tokens -= bytes;
  }
}
