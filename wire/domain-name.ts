/** Domain names as they stand in records and addresses: lower-case A-labels without a final dot (RFC 5890 §2.3.2.1). */

/** RFC 1035 §2.3.4, as text without the final dot. */
export const MAX_DOMAIN_BYTES = 253;

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const DOMAIN = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);

export function isDomainName(text: string): boolean {
  return text.length <= MAX_DOMAIN_BYTES && DOMAIN.test(text);
}
