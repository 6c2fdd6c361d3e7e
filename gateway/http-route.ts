/** What a listener's routes get and give: HTTP without a framework, so that api.ts and admin-server.ts can be read without one. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';

export interface HttpRoute {
  readonly methods: readonly ('GET' | 'HEAD' | 'POST')[];
  /** An exact path, or a prefix that ends with "/*". */
  readonly path: string;
  handle(request: HttpRequest): Promise<HttpReply>;
}

export interface HttpRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** Where it came from, as the socket says. Empty on a unix socket. */
  readonly address: string;
  /** As it came, query included, nothing decoded. It may hold a message id: it goes into no log and no error. */
  readonly url: string;
  readonly body: AsyncIterable<Uint8Array>;
  /** Aborts when the other side has gone, or when the listener cannot wait any longer. */
  readonly signal: AbortSignal;
}

export interface HttpReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | StreamedBody;
  /** Called once, at the end of the exchange. `whole`: the full body has been handed to the socket, which was open. */
  over?(whole: boolean): void;
}

export interface StreamedBody {
  readonly bytes: number;
  /** Called when the body is sent: never for HEAD. */
  open(): Readable;
}

/** The one answer to everything that is not there, is not for you, or is not understood: nobody learns which. */
export const NOT_FOUND: HttpReply = { status: 404 };
