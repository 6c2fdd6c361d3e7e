/** `user@domain`, in the one spelling that is signed, sealed to and hashed: lower case, ASCII, A-labels. */
import { isDomainName, MAX_DOMAIN_BYTES } from './domain-name.js';

export interface Address {
  readonly user: string;
  readonly domain: string;
}

const MAX_USER_BYTES = 64;
export const MAX_ADDRESS_BYTES = MAX_USER_BYTES + 1 + MAX_DOMAIN_BYTES;

/** Starts and ends with a letter or digit, so that it can also be the name of a file. */
const USER = /^[a-z0-9](?:[a-z0-9._+-]{0,62}[a-z0-9])?$/;

export function isUserName(text: string): boolean {
  return USER.test(text) && !text.includes('..');
}

export function parseAddress(text: string): Address | undefined {
  const at = text.lastIndexOf('@');
  if (at < 1) return undefined;
  const user = text.slice(0, at);
  const domain = text.slice(at + 1);
  return isUserName(user) && isDomainName(domain) ? { user, domain } : undefined;
}
