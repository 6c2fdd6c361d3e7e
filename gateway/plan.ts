/** Plan: which way a record goes from here. The answer is the name of a queue. */
import { toHex, utf8 } from '../base/bytes.js';
import { Router } from '../plan/router.js';
import type { LeftVolumes } from '../plan/router.js';
import { sha256Of } from '../wire/node-crypto.js';
import type { TransitRecord } from '../wire/record.js';
import type { GatewayConfig } from './config.js';
import { DomainMap } from './domain-map.js';
import type { PeerBook } from './peer-book.js';
import type { OwnPlan } from './plan-file.js';
import { PARKED, peerTarget, servedTarget } from './target.js';

/** What is looked at where the contact plan says the way. */
export type Planned = Pick<TransitRecord, 'destination' | 'rid' | 'bytes' | 'blobBytes' | 'expirySec'>;

/** Counts the changes of how `target` decides. */
const RULES = 1;

export class Planner {
  /** Names all that `target` looks at beside the record; undefined where a contact plan decides, too. */
  readonly rules: Uint8Array | undefined;
  readonly #book: PeerBook;
  readonly #routes: DomainMap<GatewayConfig['routes'][number]>;
  readonly #plan: { readonly router: Router; readonly nodes: ReadonlyMap<string, number>; readonly names: ReadonlyMap<number, string> } | undefined;

  constructor(routes: GatewayConfig['routes'], book: PeerBook, plan?: OwnPlan) {
    this.#book = book;
    this.#routes = new DomainMap(routes.map((route) => [route.to, route]));
    if (plan === undefined) {
      this.rules = sha256Of(utf8(JSON.stringify([RULES, routes, book.all().map(({ name, domain }) => [name, domain?.domain])])));
      return;
    }
    const names = new Map([...plan.nodes].filter(([name]) => book.byName(name)?.role === 'neighbour').map(([name, node]) => [node, name]));
    this.#plan = { router: new Router(plan.contacts, plan.here, new Set(names.keys())), nodes: plan.nodes, names };
  }

  /**
   * The queue for a record: by the exact route, then the longest matching suffix, then the default; a route to a node
   * goes by the neighbour from which the plan says that it arrives first. A record is never sent back to the peer it
   * came from: that way it is parked, not looped.
   */
  target(record: Planned, from: string, nowMs: number): string {
    const { destination } = record;
    if (this.#book.serving(destination) !== undefined) return servedTarget(destination);
    const route = this.#routes.get(destination);
    const via = route?.node === undefined ? route?.via : this.#entry(route.node, record, from, nowMs);
    if (via === undefined || via === from || this.#book.byName(via) === undefined) return PARKED;
    return peerTarget(via);
  }

  /** The next hop has given its receipt. */
  left(rid: Uint8Array): void {
    this.#plan?.router.left(toHex(rid));
  }

  /** It was not taken, or it has ended here. */
  release(rid: Uint8Array): void {
    this.#plan?.router.release(toHex(rid));
  }

  /** What contacts have been used for, and would be if these left now; undefined where nothing is planned. */
  volumes(leaving: readonly Uint8Array[]): LeftVolumes | undefined {
    return this.#plan?.router.volumes(leaving.map(toHex));
  }

  restoreVolumes(volumes: LeftVolumes, hasLeft: (rid: string) => boolean): void {
    this.#plan?.router.restore(volumes, hasLeft);
  }

  /** All that waits is about to be planned anew. */
  beginAnew(): void {
    this.#plan?.router.beginAnew();
  }

  /** No link of this neighbour works, whatever the plan says. */
  failed(peer: string, nowMs: number): void {
    const node = this.#plan?.nodes.get(peer);
    if (node !== undefined) this.#plan?.router.failed(node, nowMs);
  }

  alive(peer: string): void {
    const node = this.#plan?.nodes.get(peer);
    if (node !== undefined) this.#plan?.router.alive(node);
  }

  timeFell(): void {
    this.#plan?.router.timeFell();
  }

  /** True, once, when what waits should be planned anew. */
  takeStale(nowMs: number): boolean {
    return this.#plan?.router.takeStale(nowMs) ?? false;
  }

  nextChangeMs(nowMs: number): number | undefined {
    return this.#plan?.router.nextEndMs(nowMs);
  }

  #entry(node: number, record: Planned, from: string, nowMs: number): string | undefined {
    const key = toHex(record.rid);
    const entry = this.#plan?.router.entry({ key, to: node, bytes: record.bytes.length + record.blobBytes, expiryMs: record.expirySec * 1000, notBy: this.#plan.nodes.get(from) }, nowMs);
    return entry === undefined ? undefined : this.#plan?.names.get(entry);
  }
}
