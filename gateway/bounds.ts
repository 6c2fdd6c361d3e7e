/** Bounds of the gateway as a whole, whoever keeps to them: each is asked when somebody looks at the status. */
import type { LinkLimit } from '../links/link.js';

export class Bounds {
  readonly #asked: (() => readonly LinkLimit[])[] = [];

  add(ask: () => readonly LinkLimit[]): void {
    this.#asked.push(ask);
  }

  all(): LinkLimit[] {
    return this.#asked.flatMap((ask) => ask());
  }
}
