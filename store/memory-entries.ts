/**
 * An ordered map of keys and values in memory: sorted leaves of a few entries each, in one row. What is changed is copied, a leaf
 * and the row of leaves, so that whoever walks it sees what was there when it began.
 */

export interface MemoryEntry {
  /** Characters 0 to 255, as in keys.ts. */
  readonly key: string;
  readonly keyBytes: Uint8Array;
  readonly value: Uint8Array;
}

type Leaf = readonly MemoryEntry[];

const MOST_IN_LEAF = 64;

export class MemoryEntries {
  #leaves: readonly Leaf[] = [];

  get(key: string): Uint8Array | undefined {
    return this.find(key)?.value;
  }

  find(key: string): MemoryEntry | undefined {
    const leaf = this.#leaves[leafOf(this.#leaves, key)];
    const entry = leaf?.[placeIn(leaf, key)];
    return entry?.key === key ? entry : undefined;
  }

  /**
   * All changes at once; of several to one key the last counts. `undefined` deletes.
   * @param before gets what stood there
   */
  change(changes: ReadonlyMap<string, MemoryEntry | undefined>, before?: Map<string, MemoryEntry | undefined>): void {
    const leaves = [...this.#leaves];
    /** Those that were copied already, and belong to nobody else yet. */
    const own = new Set<Leaf>();
    for (const [key, entry] of changes) {
      const at = leafOf(leaves, key);
      const leaf = leaves[at];
      if (leaf === undefined) {
        before?.set(key, undefined);
        if (entry !== undefined) leaves.push([entry]);
        continue;
      }
      const place = placeIn(leaf, key);
      const known = leaf[place];
      const isThere = known?.key === key;
      before?.set(key, isThere ? known : undefined);
      if (!isThere && entry === undefined) continue;
      const changed = own.has(leaf) ? (leaf as MemoryEntry[]) : [...leaf];
      changed.splice(place, isThere ? 1 : 0, ...(entry === undefined ? [] : [entry]));
      own.delete(leaf);
      const parts = changed.length === 0 ? [] : changed.length <= MOST_IN_LEAF ? [changed] : [changed.slice(0, MOST_IN_LEAF / 2), changed.slice(MOST_IN_LEAF / 2)];
      for (const part of parts) own.add(part);
      if (parts.length === 1) leaves[at] = changed;
      else leaves.splice(at, 1, ...parts);
    }
    this.#leaves = leaves;
  }

  /** From `gte` to in front of `lt`, as it is now, however long the walk takes. */
  range(gte: string, lt: string): Generator<MemoryEntry> {
    return between(this.#leaves, gte, lt);
  }
}

function* between(leaves: readonly Leaf[], gte: string, lt: string): Generator<MemoryEntry> {
  let at = leafOf(leaves, gte);
  for (let place = placeIn(leaves[at] ?? [], gte), leaf = leaves[at]; leaf !== undefined; leaf = leaves[++at], place = 0) {
    for (; place < leaf.length; place += 1) {
      const entry = leaf[place] as MemoryEntry;
      if (entry.key >= lt) return;
      yield entry;
    }
  }
}

/** The leaf in which a key is, or would be: the last one that does not begin behind it. */
function leafOf(leaves: readonly Leaf[], key: string): number {
  let low = 0;
  let high = leaves.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((leaves[middle]?.[0] as MemoryEntry).key <= key) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The first entry that is not in front of the key. */
function placeIn(leaf: Leaf, key: string): number {
  let low = 0;
  let high = leaf.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((leaf[middle] as MemoryEntry).key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
