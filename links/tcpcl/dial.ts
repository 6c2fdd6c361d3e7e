/** One attempt to reach a TCP port. */
import { connect, type Socket } from 'node:net';
import type { Clock } from '../../base/clock.js';
import { messageOf } from '../../base/errors.js';

export interface DialOptions {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** Node gives each address of a name 250 ms unless told otherwise; one satellite hop takes longer. */
const ADDRESS_ATTEMPT_MS = 4000;

/** Calls one of the two, once. Cancelling is a failure, too. */
export function dial({ host, port, timeoutMs, clock }: DialOptions, reached: (socket: Socket) => void, failed: (reason: string) => void): { cancel: () => void } {
  const socket = connect({ host, port, autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS });
  const timer = clock.timer(timeoutMs, () => socket.destroy(new Error(`${host}:${port} did not answer within ${timeoutMs} ms`)));
  let reason = `the connection to ${host}:${port} closed at once`;
  const onError = (error: Error): void => void (reason = messageOf(error));
  const onClose = (): void => {
    timer.cancel();
    failed(reason);
  };
  socket.on('error', onError).once('close', onClose);
  socket.once('connect', () => {
    timer.cancel();
    socket.off('error', onError).off('close', onClose);
    reached(socket);
  });
  return { cancel: () => socket.destroy(new Error('the attempt was given up')) };
}
