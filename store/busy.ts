/** Names that somebody is at work on, so that the next one waits: one writer per record. */
export class Busy {
  readonly #counts = new Map<string, number>();
  readonly #waiting = new Map<string, { readonly promise: Promise<void>; readonly resolve: () => void }>();

  /** A name may be begun several times over, and is free when it has been ended as often. */
  begin(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  end(name: string): void {
    const count = this.#counts.get(name) ?? 0;
    if (count > 1) {
      this.#counts.set(name, count - 1);
      return;
    }
    this.#counts.delete(name);
    if (this.#waiting.size === 0) return;
    this.#waiting.get(name)?.resolve();
    this.#waiting.delete(name);
  }

  has(name: string): boolean {
    return this.#counts.has(name);
  }

  /** Resolves when the name is free; undefined when it is. */
  wait(name: string): Promise<void> | undefined {
    if (!this.#counts.has(name)) return undefined;
    let waiting = this.#waiting.get(name);
    if (waiting === undefined) {
      let resolve = (): void => undefined;
      waiting = { promise: new Promise<void>((done) => (resolve = done)), resolve };
      this.#waiting.set(name, waiting);
    }
    return waiting.promise;
  }
}
