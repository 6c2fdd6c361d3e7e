/**
 * Natural group commit: whatever waits when a write ends goes out together in the next one. Nobody waits for a
 * timer, and the slower the disk, the larger the groups.
 *
 * Where those who are woken take longer to come back than the disk takes to write, the disk and they work at the same time: the next
 * write begins with what is there, before the rest are woken. On a slow disk that would only make two waits of one, so the two
 * times are measured.
 */

export interface GroupUnit {
  readonly bytes: number;
  /** Called once when the unit is not on stable storage, and never will be. */
  failed(error: unknown): void;
}

export interface GroupLimits {
  readonly bytes: number;
  readonly units: number;
}

/** What a write has made durable: the first `count` units of its group. */
export interface Written {
  readonly count: number;
  /** Tells one of them. */
  readonly tell: (i: number) => void;
}

export interface GroupOptions<Unit> {
  /** Makes a first part of the group durable, at least one unit. */
  readonly write: (group: readonly Unit[]) => Promise<Written>;
  readonly limits: GroupLimits;
  readonly monotonicMs: () => number;
}

type Outcome = { readonly written: Written } | { readonly error: unknown };

interface UnderWay<Unit> {
  readonly group: readonly Unit[];
  readonly startMs: number;
  readonly outcome: Promise<Outcome>;
}


export class GroupCommit<Unit extends GroupUnit> {
  readonly #options: GroupOptions<Unit>;
  #waiting: Unit[] = [];
  #running: Promise<void> | undefined;
  /** How long it took, for each unit of the last group, until those it woke had come back. */
  #backMs = 0;

  constructor(options: GroupOptions<Unit>) {
    this.#options = options;
  }

  submit(unit: Unit): void {
    this.#waiting.push(unit);
    this.#running ??= this.#run();
  }

  /** Resolves when nothing is waiting or under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    await turn();
    let next = this.#begin();
    while (next !== undefined) {
      const { group, startMs, outcome } = next;
      const result = await outcome;
      if ('written' in result) {
        const { count } = result.written;
        if (count < group.length) this.#waiting = [...group.slice(count), ...this.#waiting];
        next = await this.#tell(result.written, this.#options.monotonicMs() - startMs);
      } else {
        // Those behind may rest on those that failed, so they fail with them.
        const failed = [...group, ...this.#waiting];
        this.#waiting = [];
        for (const unit of failed) unit.failed(result.error);
        await turn();
        next = this.#begin();
      }
    }
    this.#running = undefined;
  }

  /** Begins the next write, where there is something to write. */
  #begin(): UnderWay<Unit> | undefined {
    if (this.#waiting.length === 0) return undefined;
    const group = this.#cut();
    const outcome = this.#options.write(group).then(
      (written) => ({ written }),
      (error: unknown) => ({ error }),
    );
    return { group, startMs: this.#options.monotonicMs(), outcome };
  }

  /** Tells those who wait for a write, and begins the next one: when everybody whom this one woke has had a chance to submit, or earlier. */
  async #tell({ count, tell }: Written, tookMs: number): Promise<UnderWay<Unit> | undefined> {
    const { monotonicMs } = this.#options;
    const startMs = monotonicMs();
    // Two groups, of which one is written while the other is at work, take two writes for what one takes with the work of all behind it.
    const isHasty = this.#backMs * (count + this.#waiting.length) > tookMs;
    let told = 0;
    if (isHasty && this.#waiting.length === 0) {
      while (told < count >> 1) tell(told++);
      await turn();
    }
    const beginMs = monotonicMs();
    const early = isHasty ? this.#begin() : undefined;
    const begunMs = monotonicMs();
    while (told < count) tell(told++);
    await turn();
    this.#backMs = (monotonicMs() - begunMs + beginMs - startMs) / count;
    return early ?? this.#begin();
  }

  #cut(): Unit[] {
    const { limits } = this.#options;
    let bytes = 0;
    let count = 0;
    for (const unit of this.#waiting) {
      bytes += unit.bytes;
      if (count > 0 && (bytes > limits.bytes || count >= limits.units)) break;
      count += 1;
    }
    const group = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    return group;
  }
}

/** One turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
