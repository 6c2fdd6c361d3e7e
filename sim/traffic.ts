/** Makes the messages of a scenario, each at its time. */
import { readEvents } from './event-file.js';
import { makeMessage } from './message.js';
import type { Message } from './message.js';
import type { EventsPlan, TrafficPlan } from './scenario-schema.js';
import type { WorldFace } from './world-face.js';

const DAY_US = 86_400e6;

/** @param untilUs nothing is sent after this */
export function startTraffic(world: Pick<WorldFace, 'time' | 'streams' | 'number'>, plan: TrafficPlan, index: number, untilUs: number, send: (message: Message, retractAfterUs: number | undefined) => void): void {
  const { time, streams } = world;
  const chance = streams.named(`traffic/${index}`);
  const gapUs = DAY_US / plan.perDay;
  const endUs = Math.min(plan.until ?? untilUs, untilUs);
  const next = (): void => {
    const waitUs = plan.kind === 'constant' ? gapUs : chance.exponential(gapUs);
    const atUs = Math.max(time.nowUs, plan.after) + Math.ceil(waitUs);
    if (atUs >= endUs) return;
    time.queue.add(atUs, () => {
      const blobBytes = typeof plan.size === 'number' ? plan.size : chance.between(plan.size[0], plan.size[1]);
      const message = makeMessage({ number: world.number(), from: plan.from, to: plan.to, blobBytes: Math.max(1, blobBytes), createdUs: atUs, startMs: time.startMs, lifetimeUs: plan.lifetime }, chance);
      send(message, chance.chance(plan.retracted) ? Math.ceil(chance.fraction() * plan.lifetime) : undefined);
      next();
    });
  };
  next();
}

/** The messages of a file, each at its time. */
export function startEvents(world: WorldFace, plan: EventsPlan, index: number, untilUs: number, send: (message: Message) => void): void {
  const { time, streams } = world;
  const chance = streams.named(`events/${index}`);
  const events = readEvents(plan.text ?? '', plan.file ?? '');
  const next = (at: number): void => {
    const event = events[at];
    if (event === undefined || event.atUs >= untilUs) return;
    time.queue.add(Math.max(event.atUs, time.nowUs), () => {
      send(makeMessage({ number: world.number(), from: event.from, to: event.to, blobBytes: Math.max(1, event.bytes), createdUs: time.nowUs, startMs: time.startMs, lifetimeUs: plan.lifetime }, chance));
      next(at + 1);
    });
  };
  next(0);
}
