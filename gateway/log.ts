/**
 * The log, one JSON line an event on standard error. What may stand in a line is decided here by type:
 * names of peers, domains, counts and codes. Message ids, bodies and addresses have no field to stand in, and a record is
 * named by the first bytes of its hash, which opens nothing.
 */
import { pino } from 'pino';
import { toHex } from '../base/bytes.js';

export interface LogFields {
  readonly peer?: string;
  readonly link?: string;
  readonly domain?: string;
  readonly record?: string;
  readonly code?: string;
  readonly reason?: string;
  readonly count?: number;
  readonly bytes?: number;
  readonly ms?: number;
  readonly host?: string;
  readonly port?: number;
}

export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

export function openLog(level: 'debug' | 'info' | 'warn' | 'error' | 'silent', name: string): Log {
  const logger = pino({ level, base: { gateway: name }, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } }, pino.destination({ fd: 2, sync: true }));
  const at =
    (severity: 'debug' | 'info' | 'warn' | 'error') =>
    (event: string, fields: LogFields = {}): void =>
      logger[severity](fields, event);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** The log as a link's own talk is told in it. */
export function linkLog(log: Log): (level: 'debug' | 'info' | 'warn', message: string, data: Readonly<Record<string, string | number>>) => void {
  return (level, message, data) => {
    const told = Object.entries(data).map(([name, value]) => `${name} ${value}`);
    log[level](message, { reason: told.join(', ') });
  };
}

const SHOWN_BYTES = 4;

/** A record's name in the log. */
export function ridText(rid: Uint8Array): string {
  return toHex(rid.subarray(0, SHOWN_BYTES));
}
