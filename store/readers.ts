/** Those who read the database more than once and need it open all the while, and whoever has to close it. */
export class Readers {
  #count = 0;
  #onLast: (() => void) | undefined;
  #shut: Promise<void> | undefined;

  /** One must not be run within another. */
  async reading<Result>(work: () => Promise<Result>): Promise<Result> {
    // Whoever shut them out hears of it when that failed.
    while (this.#shut !== undefined) await this.#shut.catch(() => undefined);
    this.#count += 1;
    try {
      return await work();
    } finally {
      this.#count -= 1;
      if (this.#count === 0) this.#onLast?.();
    }
  }

  /** Lets nobody in until `work` is done, which is done once for all who want it meanwhile. */
  shutOut(work: () => Promise<void>): Promise<void> {
    this.#shut ??= work().finally(() => (this.#shut = undefined));
    return this.#shut;
  }

  /** Resolves when nobody is in: for what shuts them out. */
  async gone(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => (this.#onLast = resolve));
    this.#onLast = undefined;
  }
}
