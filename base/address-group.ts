/** Which addresses count as one source: whoever has one address of an IPv6 network has 2^64 of them (RFC 6177). */
import { isIPv6 } from 'node:net';

const NETWORK_GROUPS = 4;
const ALL_GROUPS = 8;

/** An IPv4 address as it is, also where it comes as an IPv6 one (RFC 4291 §2.5.5.2); of an IPv6 address the first 64 bits. */
export function addressGroup(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [plain = ''] = address.split('%');
  if (!isIPv6(plain)) return address;
  const [before = '', behind] = plain.toLowerCase().split('::');
  const first = groupsOf(before);
  const last = behind === undefined ? [] : groupsOf(behind);
  const zeros = Array.from({ length: Math.max(0, ALL_GROUPS - first.length - last.length) }, () => '0');
  const groups = [...first, ...zeros, ...last].slice(0, NETWORK_GROUPS);
  return `${groups.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`;
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':');
}
