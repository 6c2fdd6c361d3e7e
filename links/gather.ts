/** Freight in memory at once, for links whose medium takes whole units. */
import { concatBytes } from '../base/bytes.js';
import type { Freight } from './link.js';

/** All bytes; undefined once the signal comes, even while the source stands still. */
export async function gatherFreight(freight: Freight, signal: AbortSignal): Promise<Uint8Array | undefined> {
  let stop = (): void => undefined;
  const stopped = new Promise<undefined>((resolve) => (stop = () => resolve(undefined)));
  signal.addEventListener('abort', stop, { once: true });
  const chunks: Uint8Array[] = [];
  const source = freight.open()[Symbol.asyncIterator]();
  try {
    while (!signal.aborted) {
      const next = await Promise.race([source.next(), stopped]);
      if (next === undefined) break;
      if (next.done === true) return concatBytes(...chunks);
      chunks.push(next.value);
    }
    // Not awaited: a source that stands still would never answer.
    void source.return?.();
    return undefined;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
