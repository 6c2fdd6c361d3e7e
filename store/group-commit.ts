/**
 * Natural group commit: whatever waits when a write ends goes out together in the next one. Nobody waits for a
 * timer, and the slower the disk, the larger the groups.
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

export class GroupCommit<Unit extends GroupUnit> {
  readonly #write: (group: readonly Unit[]) => Promise<number>;
  readonly #limits: GroupLimits;
  #waiting: Unit[] = [];
  #running: Promise<void> | undefined;

  /** @param write makes a first part of the group durable, at least one unit, tells these units, and says how many they are. */
  constructor(write: (group: readonly Unit[]) => Promise<number>, limits: GroupLimits) {
    this.#write = write;
    this.#limits = limits;
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
    while (this.#waiting.length > 0) {
      // Everybody whom the last write woke gets to submit before the next group is cut.
      await turn();
      const group = this.#cut();
      let done = 0;
      try {
        while (done < group.length) {
          done += await this.#write(done === 0 ? group : group.slice(done));
        }
      } catch (error) {
        // Those behind may rest on those that failed, so they fail with them.
        const failed = [...group.slice(done), ...this.#waiting];
        this.#waiting = [];
        for (const unit of failed) unit.failed(error);
      }
    }
    this.#running = undefined;
  }

  #cut(): Unit[] {
    let bytes = 0;
    let count = 0;
    for (const unit of this.#waiting) {
      bytes += unit.bytes;
      if (count > 0 && (bytes > this.#limits.bytes || count >= this.#limits.units)) break;
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
