/** Loads on links that say what they carry several times: once the neighbour has answered for all of one, it need not be said again. */
import { SETTLED } from '../links/link.js';
import type { Freight, Link, Outcome } from '../links/link.js';
import type { Store } from '../store/store.js';
import type { Load } from './load.js';

export class RepeatedLoads {
  readonly #store: Store;
  /** The queue that a record is in while the neighbour has not answered for it. */
  readonly #target: string;
  readonly #underWay = new Map<Load, AbortController>();

  constructor(store: Store, target: string) {
    this.#store = store;
    this.#target = target;
  }

  async send(link: Link, load: Load, freight: Freight, signal: AbortSignal): Promise<Outcome> {
    if (link.supports.repeats !== true) return link.send(freight, signal);
    const settled = new AbortController();
    this.#underWay.set(load, settled);
    try {
      return await link.send(freight, AbortSignal.any([signal, settled.signal]));
    } finally {
      this.#underWay.delete(load);
    }
  }

  /** Ends the repeating of what the neighbour has answered for. Control items alone are repeated to the end: nothing answers for them. */
  async settle(): Promise<void> {
    for (const [load, controller] of [...this.#underWay]) {
      if (load.records.length > 0 && !(await this.#isAwaited(load))) controller.abort(SETTLED);
    }
  }

  async #isAwaited(load: Load): Promise<boolean> {
    for (const { record } of load.records) {
      if ((await this.#store.find(record.rid))?.schedule?.target === this.#target) return true;
    }
    return false;
  }
}
