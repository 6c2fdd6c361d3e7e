/**
 * Kills processes of two sites at random instants, in whatever they are doing, their start included, and starts them
 * again a little later, so that several may be down at once. Commands that send are killed, too; nobody but who gave
 * them gives them again.
 */
import type { Random } from '../base/random.js';
import type { CampaignTraffic } from './campaign-traffic.js';
import type { PosternProcess } from './postern-process.js';
import type { TwoSites } from './two-sites.js';

const LONGEST_QUIET_MS = 3000;
const LONGEST_DOWN_MS = 1500;

export class Killer {
  /** By the name of the process; all senders are one. */
  readonly counts: Record<string, number> = {};
  readonly #sites: TwoSites;
  readonly #traffic: CampaignTraffic;
  readonly #random: Random;
  readonly #restarts = new Set<Promise<void>>();

  constructor(sites: TwoSites, traffic: CampaignTraffic, random: Random) {
    this.#sites = sites;
    this.#traffic = traffic;
    this.#random = random;
  }

  get total(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0);
  }

  /** Resolves after so many kills, with everything up again. */
  async kill(kills: number): Promise<void> {
    while (this.total < kills) {
      await this.#wait(LONGEST_QUIET_MS);
      const victim = this.#choose();
      if (victim?.pid === undefined) continue;
      const isSender = this.#traffic.senders.has(victim);
      const name = isSender ? 'senders' : victim.name;
      this.counts[name] = (this.counts[name] ?? 0) + 1;
      await victim.kill();
      if (!isSender) this.#restartLater(victim);
    }
    await Promise.all(this.#restarts);
  }

  #choose(): PosternProcess | undefined {
    const [sender] = this.#traffic.senders;
    const candidates = [...this.#sites.processes, sender];
    return candidates[Math.floor(this.#random.fraction() * candidates.length)];
  }

  #restartLater(victim: PosternProcess): void {
    const restart = this.#wait(LONGEST_DOWN_MS)
      .then(() => victim.start())
      // Killed again before it was up; whatever else there was is in its faults.
      .catch(() => undefined)
      .finally(() => this.#restarts.delete(restart));
    this.#restarts.add(restart);
  }

  #wait(mostMs: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.#random.fraction() * mostMs));
  }
}
