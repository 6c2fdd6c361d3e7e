/** Everything that happens, as lines under one hash: two runs are the same when their hashes are. The last lines are kept for people. */
import { toHex, utf8 } from '../base/bytes.js';
import { sha256Stream } from '../wire/node-crypto.js';

const KEPT_LINES = 2000;
/** Lines are hashed in portions: a call to the hash costs more than the line. */
const PORTION_CHARACTERS = 8192;

export class Trace {
  readonly #hash = sha256Stream();
  readonly #kept: string[] = [];
  readonly #tell: ((line: string) => void) | undefined;
  #portion = '';
  #next = 0;

  /** @param tell gets every line, for a file or a screen */
  constructor(tell?: (line: string) => void) {
    this.#tell = tell;
  }

  add(timeUs: number, who: string, what: string): void {
    const line = `${timeUs} ${who} ${what}`;
    this.#kept[this.#next++ % KEPT_LINES] = line;
    this.#portion += `${line}\n`;
    if (this.#portion.length > PORTION_CHARACTERS) this.#flush();
    this.#tell?.(line);
  }

  get lines(): number {
    return this.#next;
  }

  /** The latest lines, the oldest of them first. */
  tail(count: number): string[] {
    const from = Math.max(0, this.#next - Math.min(count, KEPT_LINES));
    return Array.from({ length: this.#next - from }, (_, index) => this.#kept[(from + index) % KEPT_LINES] as string);
  }

  /** Ends the trace: call it once. */
  digest(): string {
    this.#flush();
    return toHex(this.#hash.digest());
  }

  #flush(): void {
    this.#hash.update(utf8(this.#portion));
    this.#portion = '';
  }
}
