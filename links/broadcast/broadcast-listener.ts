/** The ear of a gateway: one source of datagrams for all neighbours that broadcast to it. It is open while any link wants it. */
import type { LinkLimit } from '../link.js';
import type { DatagramSource } from './datagrams.js';
import type { SymbolShelf } from './symbol-shelf.js';
import { Reassembly, SIGNATURES_PER_SEC, type Dropped, type ReassemblyOptions, type Sender } from './reassembly.js';

export interface BroadcastListenerOptions extends ReassemblyOptions {
  readonly source: DatagramSource;
}

export class BroadcastListener {
  readonly #source: DatagramSource;
  readonly #reassembly: Reassembly;
  readonly #memoryBytes: number;
  readonly #senders = new Set<Sender>();
  readonly #shelf: SymbolShelf | undefined;
  /** Opening and closing follow one another. */
  #turn: Promise<void> = Promise.resolve();
  #open = false;

  constructor(options: BroadcastListenerOptions) {
    this.#source = options.source;
    this.#reassembly = new Reassembly(options);
    this.#memoryBytes = options.memoryBytes;
    this.#shelf = options.shelf;
  }

  get heldBytes(): number {
    return this.#reassembly.heldBytes;
  }

  get dropped(): Dropped {
    return this.#reassembly.dropped;
  }

  /** Shared by all who are heard. */
  limits(): LinkLimit[] {
    const { noRoom, hurried } = this.dropped;
    return [
      { name: 'memory for objects', unit: 'bytes', used: this.heldBytes, most: this.#memoryBytes, refused: noRoom },
      ...(this.#shelf === undefined ? [] : [this.#shelf.limit()]),
      { name: 'announcements checked this second', unit: 'count', used: this.#reassembly.checkedLately, most: SIGNATURES_PER_SEC, refused: hurried },
    ];
  }

  /** @throws LINK_LISTEN, LINK_FOLDER */
  async attach(sender: Sender): Promise<void> {
    this.#senders.add(sender);
    this.#reassembly.add(sender);
    try {
      await this.#shelf?.open();
      await this.#reassembly.restore(sender);
      await this.#adjust();
    } catch (thrown) {
      this.#senders.delete(sender);
      this.#reassembly.remove(sender);
      throw thrown;
    }
  }

  async detach(sender: Sender): Promise<void> {
    this.#senders.delete(sender);
    this.#reassembly.remove(sender);
    await this.#adjust();
    await this.#shelf?.settle();
  }

  #adjust(): Promise<void> {
    const step = this.#turn.then(async () => {
      const wanted = this.#senders.size > 0;
      if (wanted === this.#open) return;
      if (wanted) await this.#source.open((datagram) => this.#reassembly.take(datagram));
      else await this.#source.close();
      this.#open = wanted;
    });
    this.#turn = step.catch(() => undefined);
    return step;
  }
}
