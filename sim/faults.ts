/** Lets happen what a scenario says goes wrong: once, or again and again with chance in between. */
import type { Channel } from './channel.js';
import type { FaultPlan } from './scenario-schema.js';
import { US_PER_MS } from './sim-clock.js';
import type { SimNode } from './sim-node.js';
import type { WorldFace } from './world-face.js';

export interface Breakable {
  node(name: string): SimNode;
  /** Both ways of a link. */
  channels(link: string): readonly Pick<Channel, 'cut'>[];
  /** Counts what was done. */
  done(kind: FaultPlan['kind']): void;
}

/** What of the world takes part in faults. */
type FaultyWorld = Pick<WorldFace, 'time' | 'streams' | 'tell'>;

/** @param untilUs nothing fails after this, and what has failed is mended */
export function startFaults(world: FaultyWorld, plan: FaultPlan, index: number, untilUs: number, breakable: Breakable): void {
  const { time, streams } = world;
  const chance = streams.named(`fault/${index}`);
  const at = (timeUs: number, run: () => void): void => void time.queue.add(Math.max(Math.min(timeUs, untilUs), time.nowUs), run);
  if (plan.at !== undefined) {
    at(plan.at, () => carryOut(world, plan, breakable, at));
    return;
  }
  const meanUs = plan.every ?? untilUs;
  const endUs = Math.min(plan.until ?? untilUs, untilUs);
  const next = (): void => {
    const dueUs = time.nowUs + Math.ceil(chance.exponential(meanUs));
    if (dueUs >= endUs) return;
    at(dueUs, () => {
      carryOut(world, plan, breakable, at);
      next();
    });
  };
  next();
}

function carryOut(world: FaultyWorld, plan: FaultPlan, breakable: Breakable, at: (timeUs: number, run: () => void) => void): void {
  const { time, tell } = world;
  switch (plan.kind) {
    case 'crash': {
      const node = breakable.node(plan.node);
      if (node.gateway === undefined) return;
      void node.crash(plan.power).then(() => at(time.nowUs + plan.down, () => void node.boot()));
      break;
    }
    case 'reboot': {
      const node = breakable.node(plan.node);
      if (node.gateway === undefined) return;
      void node.shutDown().then((isDown) => {
        if (isDown) at(time.nowUs + plan.down, () => void node.boot());
      });
      break;
    }
    case 'disk-full': {
      const node = breakable.node(plan.node);
      node.fillDisk(true);
      tell(plan.node, 'disk full');
      at(time.nowUs + plan.lasts, () => {
        node.fillDisk(false);
        tell(plan.node, 'disk has room again');
      });
      break;
    }
    case 'slow-disk': {
      const node = breakable.node(plan.node);
      node.slowDisk(plan.sync);
      tell(plan.node, 'disk slow');
      at(time.nowUs + plan.lasts, () => {
        node.slowDisk(0);
        tell(plan.node, 'disk quick again');
      });
      break;
    }
    case 'clock-jump': {
      const { clockError } = breakable.node(plan.node);
      clockError.offsetMs += plan.by / US_PER_MS;
      tell(plan.node, `clock jumps by ${plan.by / US_PER_MS} ms`);
      if (plan.lasts !== undefined) {
        at(time.nowUs + plan.lasts, () => {
          clockError.offsetMs -= plan.by / US_PER_MS;
          tell(plan.node, 'clock is set right');
        });
      }
      break;
    }
    case 'cut':
      for (const channel of breakable.channels(plan.link)) channel.cut(plan.lasts);
      tell(plan.link, `cut for ${plan.lasts} us`);
      break;
  }
  breakable.done(plan.kind);
}
