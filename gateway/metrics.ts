/** Prometheus text, made at each scrape from the status. Labels are names of queues, peers and links: never anything of a message. */
import { Gauge, Registry } from 'prom-client';
import type { GatewayStatus } from './status.js';

export async function metricsText(status: GatewayStatus): Promise<string> {
  const registry = new Registry();
  const gauge = (name: string, help: string, labelNames: string[] = []): Gauge => new Gauge({ name: `postern_${name}`, help, labelNames, registers: [registry] });
  const { clock, store } = status;

  gauge('clock_trusted', '1 while the clock is believed').set(clock.trusted ? 1 : 0);
  gauge('store_records', 'Records in custody').set(store.records);
  gauge('store_bytes', 'Bytes in custody').set(store.bytes);
  gauge('store_capacity_bytes', 'Bytes the store may hold').set(store.capacityBytes);
  gauge('store_tombstones', 'Ended records still remembered').set(store.tombstones);
  gauge('store_incoming', 'Large blobs on their way in').set(store.incoming);

  const events = gauge('events_total', 'What happened since the start', ['event']);
  for (const [event, count] of Object.entries(status.counters)) events.set({ event }, count);

  const records = gauge('queue_records', 'Records waiting', ['queue']);
  const bytes = gauge('queue_bytes', 'Bytes waiting', ['queue']);
  const oldest = gauge('queue_oldest_seconds', 'Age of the oldest record waiting', ['queue']);
  for (const queue of status.queues) {
    const labels = { queue: queue.target };
    records.set(labels, queue.records);
    bytes.set(labels, queue.bytes);
    oldest.set(labels, queue.oldestHeldAtMs === undefined ? 0 : Math.max(0, clock.nowMs - queue.oldestHeldAtMs) / 1000);
  }

  const told = gauge('told_records', 'Records whose blobs wait at a neighbour', ['neighbour']);
  for (const neighbour of status.neighbours) told.set({ neighbour: neighbour.name }, neighbour.told?.records ?? 0);

  const up = gauge('link_up', '1 while the link has a session', ['link']);
  const attempts = gauge('link_failed_attempts', 'Attempts since the last success', ['link']);
  const sent = gauge('link_sent_bytes', 'Bytes sent since the start', ['link']);
  for (const { links } of status.neighbours) {
    for (const lane of links) {
      up.set({ link: lane.link }, lane.state === 'up' ? 1 : 0);
      attempts.set({ link: lane.link }, lane.attempts);
      sent.set({ link: lane.link }, lane.sentBytes);
    }
  }
  return registry.metrics();
}
