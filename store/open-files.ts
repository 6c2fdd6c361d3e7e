/** Files kept open for reading, a bounded number of them: the one used longest ago is closed for a new one. */
import type { Disk, DiskFile } from './disk.js';

export class OpenFiles {
  readonly #disk: Disk;
  readonly #limit: number;
  readonly #files = new Map<string, Promise<DiskFile>>();

  constructor(disk: Disk, limit: number) {
    this.#disk = disk;
    this.#limit = limit;
  }

  async get(path: string): Promise<DiskFile> {
    let file = this.#files.get(path);
    this.#files.delete(path);
    file ??= this.#disk.open(path, 'read');
    this.#files.set(path, file);
    const [eldest] = this.#files.keys();
    if (this.#files.size > this.#limit && eldest !== undefined) await this.forget(eldest);
    try {
      return await file;
    } catch (error) {
      this.#files.delete(path);
      throw error;
    }
  }

  /** Closing waits for reads under way. */
  async forget(path: string): Promise<void> {
    const file = this.#files.get(path);
    this.#files.delete(path);
    await (await file)?.close();
  }

  async closeAll(): Promise<void> {
    for (const path of [...this.#files.keys()]) await this.forget(path);
  }
}
