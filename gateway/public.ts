/** The public face of a gateway: what the routes of api.ts mean. */
import type { ApiHandlers } from './api.js';
import type { Gateway } from './gateway.js';

export function publicHandlers(gateway: Gateway): ApiHandlers {
  return {
    async batch(body) {
      const answer = await gateway.takeBatch(body, 'direct');
      switch (answer.kind) {
        case 'answer':
          return { status: 'answer', bytes: answer.bytes };
        case 'stranger':
          return { status: 'stranger' };
        case 'bad':
          return { status: 'bad', code: answer.error.code, reason: answer.error.message };
      }
    },
    async fetch(messageId, suits) {
      const served = await gateway.fetch(messageId, suits);
      if (served === undefined) return undefined;
      return {
        blob: served.blob,
        etagHash: served.blobHash,
        expirySec: served.expirySec,
        served(full) {
          if (full) gateway.fetched(served);
        },
      };
    },
    openings: (bytes, done) => gateway.openings(bytes, done),
  };
}
