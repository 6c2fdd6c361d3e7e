/** Lays what is in memory over what is in the database, in the order of keys. */

/**
 * Both in order. Where a key is in both, memory counts; a `null` hides the key.
 * The database is asked before anything is waited for, so that what is in memory when this begins is not missed in between.
 */
export async function* merged<Value>(memory: Iterable<readonly [string, Value | null]>, database: AsyncIterator<readonly [string, Value]>): AsyncGenerator<readonly [string, Value]> {
  let asked = database.next();
  try {
    const above = memory[Symbol.iterator]();
    let upper = above.next();
    let lower = await asked;
    while (upper.done !== true || lower.done !== true) {
      if (upper.done === true || (lower.done !== true && lower.value[0] < upper.value[0])) {
        if (lower.done === true) return;
        yield lower.value;
        asked = database.next();
        lower = await asked;
        continue;
      }
      const [key, value] = upper.value;
      if (value !== null) yield [key, value];
      if (lower.done !== true && lower.value[0] === key) {
        asked = database.next();
        lower = await asked;
      }
      upper = above.next();
    }
  } finally {
    await asked.catch(() => undefined);
    await database.return?.();
  }
}
