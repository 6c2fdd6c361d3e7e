/** The address of who answers HTTP, as it stands in knocks and cards: scheme, host, port. Nothing in it may lead anywhere but to a host. */

export const MAX_BASE_URL_BYTES = 128;

const BASE_URL = /^https?:\/\/[a-zA-Z0-9.:[\]-]+$/;

export function isBaseUrl(text: string): boolean {
  return text.length <= MAX_BASE_URL_BYTES && BASE_URL.test(text);
}
