/**
 * Sticks, one at a time: import, export, or a whole visit, which is both and ends with "safe to remove". By hand through the
 * command line, by itself when the appliance mounts one. What a stick's errand is doing can be asked at any time.
 */
import path from 'node:path';
import { toHex } from '../base/bytes.js';
import { isPosternError, messageOf, PosternError } from '../base/errors.js';
import { Stick } from '../links/usb/stick.js';
import type { StickDisk } from '../links/usb/stick-disk.js';
import { sha256Stream } from '../wire/node-crypto.js';
import { STICK_ID_BYTES } from '../wire/stick-manifest.js';
import { exportToStick } from './export.js';
import type { Exported } from './export.js';
import type { Gateway } from './gateway.js';
import { importFromStick } from './import.js';
import type { StickLedger } from './stick-ledger.js';
import { stickNote } from './stick-note.js';
import type { StickProgress, StickVisit } from './stick-parts.js';
import type { StickErrand, StickJob, StickOutcome, StickStatus } from './stick-status.js';
import { tidyStick } from './stick-tidy.js';

export interface StickServiceParts {
  readonly gateway: Gateway;
  readonly ledger: StickLedger;
  readonly disk: StickDisk;
}

export class StickService {
  readonly #parts: StickServiceParts;
  #job: StickJob = { state: 'idle' };
  #running: Promise<unknown> | undefined;
  #stopping = false;

  constructor(parts: StickServiceParts) {
    this.#parts = parts;
  }

  /** Begins an errand; `job` tells how it goes. Throws GATEWAY_STICK_BUSY while another is under way. */
  start(errand: StickErrand, dir: string): void {
    void this.run(errand, dir).catch(() => undefined);
  }

  job(): StickJob {
    return this.#job;
  }

  status(): StickStatus {
    const { ledger, gateway } = this.#parts;
    const carried = ledger.carried();
    return {
      job: this.#job,
      known: ledger.sticks(),
      under: ledger.outFiles().map(({ stick, peer, createdMs, records, bytes }) => ({ stick, peer, createdMs, records, bytes })),
      quarantined: ledger.bad().map(({ name, reason, atMs }) => ({ name, reason, atMs })),
      carried: { files: carried.length, bytes: carried.reduce((sum, { bytes }) => sum + bytes, 0), limitBytes: gateway.context.config.stick.carryBytes },
    };
  }

  /** One errand to its end. Throws GATEWAY_STICK_BUSY, LINK_STICK, or what the store throws. */
  run(errand: StickErrand, dir: string, progress?: (progress: StickProgress) => void): Promise<StickOutcome> {
    if (this.#running !== undefined) throw new PosternError('GATEWAY_STICK_BUSY', 'Another stick is being served. One after the other.', { dir });
    this.#job = { state: 'running', errand, dir };
    const told = (latest: StickProgress): void => {
      if (this.#stopping) throw Object.assign(new Error('the gateway is stopping'), { name: 'AbortError' });
      this.#job = { state: 'running', errand, dir, progress: latest };
      progress?.(latest);
    };
    const work = this.#carryOut(errand, dir, told).then(
      (outcome) => {
        this.#running = undefined;
        this.#job = { state: 'done', outcome };
        return outcome;
      },
      (thrown: unknown) => {
        this.#running = undefined;
        this.#job = { state: 'failed', code: isPosternError(thrown) ? thrown.code : 'BUG', message: messageOf(thrown), data: isPosternError(thrown) ? thrown.data : undefined };
        throw thrown;
      },
    );
    this.#running = work.catch(() => undefined);
    return work;
  }

  /** Breaks off what is under way: what has no name on the stick yet leaves nothing there. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async #carryOut(errand: StickErrand, dir: string, progress: (progress: StickProgress) => void): Promise<StickOutcome> {
    const { gateway, ledger, disk } = this.#parts;
    const { context } = gateway;
    const owner = toHex(context.kid);
    const stick = await Stick.open({ disk, dir: path.resolve(dir), owner, newHash: sha256Stream });
    const spool = await Stick.open({ disk, dir: ledger.carryDir, owner, newHash: sha256Stream });
    await spool.prepare(() => context.random.bytes(STICK_ID_BYTES), 'Files between other gateways wait here for our next stick.\n');
    const doors = { packing: gateway.packing, check: gateway.checkBatch.bind(gateway), take: (batch: AsyncIterable<Uint8Array>) => gateway.takeBatch(batch, 'by-stick') };
    const visit: StickVisit = { context, ledger, doors, stick, spool, progress };
    await ledger.prune(context.trust.trusted ? context.trust.nowMs() : 0);
    const imported = errand === 'export' ? undefined : await importFromStick(visit);
    const written = errand === 'import' ? undefined : await this.#export(visit, errand);
    context.log.info('a stick was served', { code: errand, ...(imported !== undefined && { count: imported.records }) });
    return {
      errand,
      dir,
      ...(stick.id !== undefined && { stick: toHex(stick.id) }),
      ...(imported !== undefined && { imported }),
      ...(written !== undefined && written !== 'read-only' && { exported: written.exported }),
      removed: written === undefined || written === 'read-only' ? 0 : written.removed,
      missing: written === undefined || written === 'read-only' ? 0 : written.missing,
      readOnly: written === 'read-only',
      safeToRemove: true,
    };
  }

  async #export(visit: StickVisit, errand: StickErrand): Promise<{ readonly exported: Exported; readonly removed: number; readonly missing: number } | 'read-only'> {
    const { context, stick } = visit;
    try {
      const stickId = await stick.prepare(() => context.random.bytes(STICK_ID_BYTES), stickNote(context.config.gateway));
      const tidied = await tidyStick(visit);
      return { ...tidied, exported: await exportToStick(visit, stickId) };
    } catch (thrown) {
      if (errand === 'visit' && isPosternError(thrown) && thrown.code === 'LINK_STICK' && (thrown.data as { reason: string }).reason === 'read-only') return 'read-only';
      throw thrown;
    }
  }
}
