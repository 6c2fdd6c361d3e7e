/** Reading and working at the same time: the next read is under way while what came of the one before is worked on. */

/**
 * What each of `reads` resolves to, in order. At most two are in use at once: the one handed out, and the one under way. A
 * read that fails is heard of in its turn; who leaves early leaves when the one under way has ended.
 */
export async function* oneAhead<Result>(reads: Iterable<() => Promise<Result>>): AsyncGenerator<Result, void, undefined> {
  let next: Promise<Result> | undefined;
  try {
    for (const read of reads) {
      const current = next;
      if (current !== undefined) await current;
      next = read();
      next.catch(() => undefined);
      if (current !== undefined) yield await current;
    }
    if (next !== undefined) yield await next;
  } finally {
    await next?.catch(() => undefined);
  }
}
