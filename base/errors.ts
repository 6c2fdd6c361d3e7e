/**
 * The one error class. A fault is a PosternError with a stable code and typed data; an expected "no"
 * is a return value; a bug is an assertion. `docs/errors.md` has a heading per code, and a test
 * compares the two lists.
 */

/** Where in an input the fault stands: a path such as `bundle/primary/crc`, and a byte offset. */
export interface At {
  path: string;
  offset: number;
}

/** Data carried by each code. The key set of this interface is the closed list of codes. */
export interface ErrorData {
  // wire/
  WIRE_TRUNCATED: At;
  WIRE_TRAILING: At;
  WIRE_NOT_DETERMINISTIC: At;
  WIRE_TYPE: At & { found: string; expected: string };
  WIRE_VALUE: At & { found: string; expected: string };
  WIRE_LIMIT: At & { limit: number; found: number };
  WIRE_CRITICAL: At & { found: string };
  WIRE_SIGNATURE: { path: string };
  WIRE_SEAL: { path: string };
  WIRE_CRC: At & { found: string; expected: string };
  WIRE_FRAGMENT: At;

  // store/
  STORE_FULL: { dir: string };
  STORE_IO: { dir: string };
  STORE_CLOSED: { dir: string };
  STORE_LOCKED: { dir: string };
  STORE_DAMAGED: { what: string };
  STORE_BUSY: { record: string };
  STORE_RANGE: { offset: number; endByte: number; blobBytes: number };
  STORE_GONE: { record: string };

  // links/, and the exchanges of base/http-exchange.ts under them. An address is an origin: never a path, which may hold a message id.
  LINK_ADDRESS: { address: string };
  LINK_PLAIN_HTTP: { address: string };
  LINK_UNREACHABLE: { address: string; systemCode?: string };
  LINK_PEER_KEY: { address: string; found: string; pinned: string };
  LINK_TIMEOUT: { address: string; waitedFor: 'connection' | 'progress' | 'end'; limitMs: number };
  LINK_ANSWER_TOO_LARGE: { address: string; limitBytes: number };
  LINK_ABORTED: { address: string };
  LINK_PROTOCOL: At & { found: string; expected: string };
  LINK_LIMIT: At & { limit: number; found: number };
  LINK_PLAIN: { address: string };
  LINK_LISTEN: { host: string; port: number };
  LINK_MODEM: { address: string; found: string };
  LINK_FOLDER: { folder: string; systemCode: string };
  LINK_STICK: { dir: string; reason: 'missing' | 'no-folder' | 'not-ours' | 'read-only' | 'gone' | 'bad-medium' };

  // plan/
  PLAN_SYNTAX: { file: string; line: number; found: string; expected: string };
  PLAN_OVERLAP: { file: string; line: number; otherLine: number };

  // gateway/ and its configuration
  CONFIG_UNREADABLE: { file: string; reason: string };
  CONFIG_SYNTAX: { file: string; line: number; column: number };
  GATEWAY_BUNDLE_DEAD: { reason: 'lifetime' | 'hops' };
  GATEWAY_BLOB_MISMATCH: { peer: string; record: string };
  GATEWAY_DOMAIN_RECORD: { peer: string; file: string };
  GATEWAY_NO_LINK: { link: string };
  GATEWAY_NO_NEIGHBOUR: { neighbour: string };
  GATEWAY_NO_QUEUE: { queue: string };
  GATEWAY_NOT_OURS: { destination: string; expected: string };
  CONFIG_INVALID: { file: string; path: string; faults: string[] };
  CONFIG_KEY_UNREADABLE: { file: string; reason: string };
  CONFIG_KEY_EXPOSED: { file: string; mode: string };
  CONFIG_KEY_INVALID: { file: string };
  GATEWAY_LISTEN: { address: string; systemCode: string };
  GATEWAY_PLAIN_HTTP: { address: string };
  GATEWAY_BODY_BROKEN: { receivedBytes: number };
  GATEWAY_ADMIN_REQUEST: { found: string };
  GATEWAY_STICK_BUSY: { dir: string };
  GATEWAY_SOCKET_PATH: { path: string; limitBytes: number };
  GATEWAY_LEDGER: { link: string; file: string };

  // domain/
  DOMAIN_CONFIG: { file: string; field: string; found: string; expected: string };
  DOMAIN_HOME: { dir: string };
  DOMAIN_KEYS_EXPOSED: { file: string; mode: string };
  DOMAIN_STATE: { file: string };
  DOMAIN_DISK: { path: string; code: string };
  DOMAIN_FILE: { file: string };
  DOMAIN_PORT: { host: string; port: number };
  DOMAIN_USER: { address: string };
  DOMAIN_STRANGER: { address: string };
  DOMAIN_KEY_ENDED: { address: string };
  DOMAIN_KEY_CHANGED: { address: string; pinned: string; offered: string };
  DOMAIN_GATEWAY: { name: string };
  DOMAIN_MESSAGE: { message: string };

  // sim/
  SIM_CHANGE: { path: string };
  SIM_RESULTS: { file: string };

  // cli/
  CLI_USAGE: { found: string };
  CLI_EXISTS: { path: string };
  CLI_CARD: { path: string };
  CLI_FILE: { path: string; reason: string };
  CLI_NOT_RUNNING: { socket: string };
  CLI_REFUSED: { code: string };
}

export type ErrorCode = keyof ErrorData;

export class PosternError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'PosternError';
  readonly code: C;
  readonly data: ErrorData[C];

  /** @param message a sentence for people: what was found, where, and what would do. */
  constructor(code: C, message: string, data: ErrorData[C], options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.data = data;
  }
}

export function isPosternError(value: unknown): value is PosternError {
  return value instanceof PosternError;
}

/** The message of whatever was thrown, for logs and for people. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
