/** Talks to what runs on this machine through its private socket: the gateway of the configuration at hand, or another part of the program. */
import { utf8 } from '../base/bytes.js';
import { isPosternError, PosternError } from '../base/errors.js';
import { HttpPeer, readWhole } from '../base/http-exchange.js';
import { adminSocketOf, type GatewayConfig } from '../gateway/config.js';
import type { CliContext } from './program.js';

export interface AdminRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  /** How long the answer may take. Absent: as long as any exchange on this machine. */
  readonly patienceMs?: number;
}

/** A queue of 10,000 entries fits several times. */
const ANSWER_BYTES = 16 * 1024 * 1024;

/** The gateway's answer; it and the command line are one program, so its shape is not checked again. Throws CLI_NOT_RUNNING, CLI_REFUSED. */
export function askGateway(context: CliContext, config: GatewayConfig, request: AdminRequest): Promise<unknown> {
  return askSocket(context, adminSocketOf(config), `The gateway ${config.gateway.name}`, request);
}

/** @param who listens on the socket, for messages: the beginning of a sentence */
export async function askSocket(context: CliContext, socketPath: string, who: string, { method, path, body, patienceMs }: AdminRequest): Promise<unknown> {
  const peer = new HttpPeer({ url: 'http://postern', socketPath, clock: context.clock, ...(patienceMs !== undefined && { timeouts: { idleMs: patienceMs, wholeMs: patienceMs } }) });
  try {
    const bytes = body === undefined ? undefined : utf8(JSON.stringify(body));
    const answer = await peer.exchange({ method, path, answerLimitBytes: ANSWER_BYTES, signal: context.signal, ...(bytes !== undefined && { body: { bytes: bytes.length, open: () => once(bytes) } }) });
    const value: unknown = JSON.parse(Buffer.from(await readWhole(answer)).toString());
    if (answer.status !== 200) throw refusal(who, value, answer.status);
    return value;
  } catch (thrown) {
    if (!isPosternError(thrown) || thrown.code !== 'LINK_UNREACHABLE') throw thrown;
    throw notRunning(who, socketPath, thrown);
  } finally {
    peer.close();
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** What the command line itself said wrong: it was found where it was looked at first. */
const WRONG_USAGE: ReadonlySet<unknown> = new Set(['GATEWAY_ADMIN_REQUEST', 'GATEWAY_NO_LINK', 'GATEWAY_NO_NEIGHBOUR', 'GATEWAY_NO_QUEUE']);

function refusal(who: string, value: unknown, status: number): PosternError {
  const { code, message } = (typeof value === 'object' && value !== null ? value : {}) as { code?: unknown; message?: unknown };
  const text = typeof message === 'string' ? message : `${who} answered with status ${status}; its log says why.`;
  if (WRONG_USAGE.has(code)) return new PosternError('CLI_USAGE', text, { found: text });
  return new PosternError('CLI_REFUSED', text, { code: typeof code === 'string' ? code : String(status) });
}

function notRunning(who: string, socket: string, cause: PosternError<'LINK_UNREACHABLE'> | PosternError): PosternError<'CLI_NOT_RUNNING'> {
  const { systemCode } = cause.data as { systemCode?: string };
  const message = systemCode === 'EACCES' ? `${who} is another user's: ${socket} may not be opened.` : `${who} is not running: nobody answers on ${socket}.`;
  return new PosternError('CLI_NOT_RUNNING', message, { socket }, { cause });
}
