/**
 * The messages of a campaign: both sites send files of all sizes, each by a command of its own, some of which have the
 * same name. A command that was killed, or that found no gateway, is given again until a gateway has signed for the
 * message: that is what people and scripts do.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Random } from '../base/random.js';
import { commandLine } from './command-line.js';
import type { PosternProcess } from './postern-process.js';
import type { Site, TwoSites } from './two-sites.js';

export interface CampaignMessage {
  readonly from: Site;
  readonly to: Site;
  readonly file: string;
  /** What the recipient sees; not always its own. */
  readonly name: string;
  readonly content: Uint8Array;
  readonly bytes: number;
  /** A gateway has signed for it. */
  inCustody: boolean;
}

/** How often, of a hundred: nothing, a byte, and what travels whole, in one piece and in several. */
const SIZES: readonly (readonly [percent: number, bytes: number])[] = [
  [15, 0],
  [15, 1],
  [40, 1024],
  [20, 300 * 1024],
  [10, 3 * 1024 * 1024],
];
/** Each way. */
const SENDERS = 2;
const LONGEST_PAUSE_MS = 1500;
/** A message of a kibibyte or more differs from all others, and may have the name of another. */
const SHARED_NAME = 'report.txt';
const SHARED_NAME_FRACTION = 0.3;
/** Exit codes of `postern domain send`: a gateway that is not there, or has no room just now, is no fault. */
const GOOD_EXITS = new Set<number | null>([0, 3, 4]);

export class CampaignTraffic {
  readonly sent: CampaignMessage[] = [];
  /** Commands that ended as they should not. */
  readonly faults: string[] = [];
  /** The commands that run now. */
  readonly senders = new Set<PosternProcess>();
  readonly #sites: TwoSites;
  readonly #dir: string;
  readonly #random: Random;
  #making = true;
  #ended = false;
  #work: Promise<void> = Promise.resolve();

  constructor(sites: TwoSites, dir: string, random: Random) {
    this.#sites = sites;
    this.#dir = dir;
    this.#random = random;
  }

  start(): void {
    const { north, south } = this.#sites;
    const loops = Array.from({ length: SENDERS }, () => [this.#send(north, south), this.#send(south, north)]).flat();
    this.#work = Promise.all(loops).then(() => undefined);
    // Whoever waits for the end hears of it.
    this.#work.catch(() => undefined);
  }

  /** No new messages; those that are begun go on. */
  stopMaking(): void {
    this.#making = false;
  }

  /** Gives nothing new to do; resolves when no command runs. */
  async end(): Promise<void> {
    this.#making = false;
    this.#ended = true;
    await this.#work;
  }

  standing(): string {
    return `${this.sent.length} messages, ${this.sent.filter(({ inCustody }) => inCustody).length} in custody or further`;
  }

  /** Names of messages of which their sender does not know yet that they were accepted. */
  async notAccepted(): Promise<string[]> {
    const open = this.sent.filter(({ inCustody }) => !inCustody).map(({ file }) => basename(file));
    for (const { home, domain } of [this.#sites.north, this.#sites.south]) {
      const { outgoing } = JSON.parse(await commandLine('--json', 'domain', 'status', '--home', home)) as { outgoing: { name: string; state: string }[] };
      open.push(...outgoing.map(({ name, state }) => `${name} of ${domain} (${state})`));
    }
    return open;
  }

  async #send(from: Site, to: Site): Promise<void> {
    while (this.#making) {
      await this.#pause();
      const message = await this.#make(from, to);
      while (!message.inCustody && !this.#ended) {
        message.inCustody = await this.#giveCommand(message);
        if (!message.inCustody) await this.#pause();
      }
    }
  }

  async #make(from: Site, to: Site): Promise<CampaignMessage> {
    const bytes = this.#size();
    const content = randomBytes(bytes);
    const name = bytes >= 1024 && this.#random.fraction() < SHARED_NAME_FRACTION ? SHARED_NAME : `message-${this.sent.length}`;
    const dir = join(this.#dir, String(this.sent.length));
    const message = { from, to, file: join(dir, name), name, content, bytes, inCustody: false };
    this.sent.push(message);
    await mkdir(dir);
    await writeFile(message.file, content);
    return message;
  }

  /** Gives whether a gateway has signed for it. */
  async #giveCommand({ from, to, file }: CampaignMessage): Promise<boolean> {
    const sender = this.#sites.sender(from, to, [file], '--wait', '2');
    this.senders.add(sender);
    try {
      await sender.start();
      const { code, signal } = await sender.exit;
      if (signal === null && !GOOD_EXITS.has(code)) this.faults.push(...sender.faults);
      return code === 0;
    } finally {
      this.senders.delete(sender);
    }
  }

  #size(): number {
    let rest = this.#random.fraction() * 100;
    for (const [percent, bytes] of SIZES) {
      if (rest < percent) return bytes;
      rest -= percent;
    }
    return 0;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.#random.fraction() * LONGEST_PAUSE_MS));
  }
}
