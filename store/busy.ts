/** Names that somebody is at work on, so that the next one waits: one writer per record. */
export class Busy {
  readonly #work = new Map<string, Work>();

  /** Marks a name. The returned function takes the mark away; a name may be marked several times over. */
  begin(name: string): () => void {
    let work = this.#work.get(name);
    if (work === undefined) {
      work = { marks: 0, waiting: undefined };
      this.#work.set(name, work);
    }
    work.marks += 1;
    const marked = work;
    return () => {
      marked.marks -= 1;
      if (marked.marks > 0) return;
      this.#work.delete(name);
      marked.waiting?.resolve();
    };
  }

  has(name: string): boolean {
    return this.#work.has(name);
  }

  /** Resolves when no mark is left; undefined when there is none. */
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
  marks: number;
  waiting: Waiting | undefined;
}

function makeWaiting(): Waiting {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
