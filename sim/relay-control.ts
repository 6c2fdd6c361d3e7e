/** The door through which links are changed while a relay runs: the same kind of private socket as a gateway's. */
import type { Clock } from '../base/clock.js';
import type { HttpRoute } from '../gateway/http-route.js';
import type { HttpListener } from '../gateway/http-server.js';
import { jsonRoute, openPrivateDoor, readJson } from '../gateway/private-door.js';
import type { Relay } from './relay.js';
import { readChange, readCut, readRestore } from './relay-schema.js';

export interface RelayControlOptions {
  readonly socketPath: string;
  readonly relay: Relay;
  readonly clock: Clock;
  readonly onFault: (thrown: unknown) => void;
}

/** Throws GATEWAY_SOCKET_PATH, GATEWAY_LISTEN. */
export function openRelayControl({ socketPath, relay, clock, onFault }: RelayControlOptions): Promise<HttpListener> {
  const order = (path: string, carryOut: (order: unknown) => void): HttpRoute =>
    jsonRoute('POST', path, async ({ body }) => {
      carryOut(await readJson(body));
      return relay.report();
    });
  return openPrivateDoor({
    socketPath,
    setting: '--control',
    routes: [
      jsonRoute('GET', '/status', () => Promise.resolve(relay.report())),
      order('/change', (change) => relay.change(readChange(change))),
      order('/cut', (cut) => relay.cut(readCut(cut))),
      order('/restore', (restore) => relay.restore(readRestore(restore))),
    ],
    clock,
    onFault,
  });
}
