/** Names that somebody is at work on, so that the next one waits: one writer per record. */
export class Busy {
  readonly #work = new Map<string, Work>();

  /** A name may be begun several times over, and is free when it has been ended as often. */
  begin(name: string): void {
    const work = this.#work.get(name);
    if (work === undefined) this.#work.set(name, { count: 1, waiting: undefined });
    else work.count += 1;
  }

  end(name: string): void {
    const work = this.#work.get(name);
    if (work === undefined) return;
    work.count -= 1;
    if (work.count > 0) return;
    this.#work.delete(name);
    work.waiting?.resolve();
  }

  has(name: string): boolean {
    return this.#work.has(name);
  }

  /** Resolves when the name is free; undefined when it is. */
  wait(name: string): Promise<void> | undefined {
    const work = this.#work.get(name);
    if (work === undefined) return undefined;
    work.waiting ??= makeWaiting();
    return work.waiting.promise;
  }
}

interface Waiting {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

interface Work {
  count: number;
  waiting: Waiting | undefined;
}

function makeWaiting(): Waiting {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
