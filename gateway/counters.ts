/** What happened since the start, as plain numbers: for the status page and the metrics. No names in them, no ids. */

const COUNTED = [
  'batchesIn',
  'batchesBad',
  'strangers',
  'recordsTaken',
  'recordsKnown',
  'recordsRefused',
  'bytesTaken',
  'batchesOut',
  'recordsForwarded',
  'recordsOffered',
  'noticesGiven',
  'noticesKept',
  'blobsAskedFor',
  'sendsRefused',
  'sendsUnreachable',
  'knocks',
  'fetches',
  'fetchMisses',
  'accepted',
  'retracted',
  'expired',
  'openingsIgnored',
] as const;

export type Counted = (typeof COUNTED)[number];

export class Counters {
  readonly #values = new Map<Counted, number>(COUNTED.map((name) => [name, 0]));

  add(name: Counted, count = 1): void {
    this.#values.set(name, (this.#values.get(name) ?? 0) + count);
  }

  all(): Readonly<Record<Counted, number>> {
    return Object.fromEntries(this.#values) as Record<Counted, number>;
  }
}
