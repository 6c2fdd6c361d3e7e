/** `user@domain`, in the one spelling that postern signs and hashes: lower case, ASCII, A-labels. */

export interface Address {
  readonly user: string;
  readonly domain: string;
}

const LONGEST_DOMAIN = 253;
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const DOMAIN = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);

/** Starts and ends with a letter or digit, so that it can also be the name of a file. */
const USER = /^[a-z0-9](?:[a-z0-9._+-]{0,62}[a-z0-9])?$/;

export function isDomainName(text: string): boolean {
  return text.length <= LONGEST_DOMAIN && DOMAIN.test(text);
}

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
