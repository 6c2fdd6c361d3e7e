/** What the exit code of every command means. docs/operating.md tells it to people; scripts may rely on it. */
import { isPosternError, type ErrorCode } from '../base/errors.js';

export const EXIT = {
  ok: 0,
  /** Something is broken: a fault of this machine, its files or the program. */
  fault: 1,
  /** The command or the configuration cannot be used as it is; nothing was done. */
  usage: 2,
  /** The other side is not there: no daemon on this machine, no gateway on the network. */
  unreachable: 3,
  /** The other side is there and said no. */
  refused: 4,
  /** Another process has the data folder. */
  locked: 5,
  /** Stopped by Ctrl-C or SIGTERM before it was done: 128 + SIGINT, as shells have it. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const BY_CODE: Partial<Record<ErrorCode, ExitCode>> = {
  CLI_USAGE: EXIT.usage,
  CLI_EXISTS: EXIT.usage,
  CLI_CARD: EXIT.usage,
  CLI_NOT_RUNNING: EXIT.unreachable,
  CLI_REFUSED: EXIT.refused,
  GATEWAY_NO_LINK: EXIT.usage,
  GATEWAY_NO_NEIGHBOUR: EXIT.usage,
  GATEWAY_NO_QUEUE: EXIT.usage,
  STORE_LOCKED: EXIT.locked,
  CONFIG_UNREADABLE: EXIT.usage,
  CONFIG_SYNTAX: EXIT.usage,
  CONFIG_INVALID: EXIT.usage,
  PLAN_SYNTAX: EXIT.usage,
  PLAN_OVERLAP: EXIT.usage,
  SIM_CHANGE: EXIT.usage,
  SIM_RESULTS: EXIT.usage,
  DOMAIN_CONFIG: EXIT.usage,
  DOMAIN_HOME: EXIT.usage,
  DOMAIN_KEYS_EXPOSED: EXIT.usage,
  DOMAIN_FILE: EXIT.usage,
  DOMAIN_USER: EXIT.usage,
  DOMAIN_STRANGER: EXIT.usage,
  DOMAIN_KEY_ENDED: EXIT.refused,
  DOMAIN_KEY_CHANGED: EXIT.refused,
  DOMAIN_GATEWAY: EXIT.usage,
  DOMAIN_MESSAGE: EXIT.usage,
};

export function exitCodeOf(thrown: unknown): ExitCode {
  return (isPosternError(thrown) ? BY_CODE[thrown.code] : undefined) ?? EXIT.fault;
}
