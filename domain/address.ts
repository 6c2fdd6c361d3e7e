/** `user@domain`, in the one spelling that postern signs and hashes: lower case, ASCII, A-labels. */
import { isDomainName } from '../wire/domain-name.js';

export interface Address {
  readonly user: string;
  readonly domain: string;
}

/** Starts and ends with a letter or digit, so that it can also be the name of a file. */
const USER = /^[a-z0-9](?:[a-z0-9._+-]{0,62}[a-z0-9])?$/;

export function isUserName(text: string): boolean {
  return USER.test(text) && !text.includes('..');
}

export function parseAddress(text: string): Address | undefined {
  const at = text.lastIndexOf('@');
  const user = text.slice(0, Math.max(at, 0));
  const domain = text.slice(at + 1);
  return isUserName(user) && isDomainName(domain) ? { user, domain } : undefined;
}
