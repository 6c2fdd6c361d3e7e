/** Talks to the gateway that runs on this machine with the configuration at hand, through its admin socket. */
import { utf8 } from '../base/bytes.js';
import { isPosternError, PosternError } from '../base/errors.js';
import { HttpPeer, readWhole } from '../base/http-exchange.js';
import { adminSocketOf, type GatewayConfig } from '../gateway/config.js';
import type { CliContext } from './program.js';

export interface AdminRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
}

/** A queue of 10,000 entries fits several times. */
const ANSWER_BYTES = 16 * 1024 * 1024;

/** The gateway's answer; it and the command line are one program, so its shape is not checked again. Throws CLI_NOT_RUNNING, CLI_REFUSED. */
export async function askGateway(context: CliContext, config: GatewayConfig, { method, path, body }: AdminRequest): Promise<unknown> {
  const socketPath = adminSocketOf(config);
  const peer = new HttpPeer({ url: 'http://postern', socketPath, clock: context.clock });
  try {
    const bytes = body === undefined ? undefined : utf8(JSON.stringify(body));
    const answer = await peer.exchange({ method, path, answerLimitBytes: ANSWER_BYTES, signal: context.signal, ...(bytes !== undefined && { body: { bytes: bytes.length, open: () => once(bytes) } }) });
    const value: unknown = JSON.parse(Buffer.from(await readWhole(answer)).toString());
    if (answer.status !== 200) throw refusal(value, answer.status);
    return value;
  } catch (thrown) {
    if (!isPosternError(thrown) || thrown.code !== 'LINK_UNREACHABLE') throw thrown;
    throw notRunning(config, socketPath, thrown);
  } finally {
    peer.close();
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function refusal(value: unknown, status: number): PosternError<'CLI_REFUSED'> {
  const { code, message } = (typeof value === 'object' && value !== null ? value : {}) as { code?: unknown; message?: unknown };
  const text = typeof message === 'string' ? message : `The gateway answered with status ${status}; its log says why.`;
  return new PosternError('CLI_REFUSED', text, { code: typeof code === 'string' ? code : String(status) });
}

function notRunning(config: GatewayConfig, socket: string, cause: PosternError<'LINK_UNREACHABLE'> | PosternError): PosternError<'CLI_NOT_RUNNING'> {
  const { systemCode } = cause.data as { systemCode?: string };
  const message = systemCode === 'EACCES' ? `The gateway ${config.gateway.name} is another user's: ${socket} may not be opened.` : `The gateway ${config.gateway.name} is not running: nobody answers on ${socket}.`;
  return new PosternError('CLI_NOT_RUNNING', message, { socket }, { cause });
}
