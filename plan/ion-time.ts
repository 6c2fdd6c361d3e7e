/** Times as ION writes them: `+n` seconds after a reference, or yyyy/mm/dd-hh:mm:ss in UTC, both with up to three decimals. */

const RELATIVE = /^\+(\d{1,12}(?:\.\d{1,3})?)$/;
const ABSOLUTE = /^(\d{4})\/(\d\d)\/(\d\d)-(\d\d):(\d\d):(\d\d)(\.\d{1,3})?$/;

/** Unix milliseconds; undefined for what is no time. */
export function parseIonTime(text: string, referenceMs: number): number | undefined {
  const [, seconds] = RELATIVE.exec(text) ?? [];
  if (seconds !== undefined) return referenceMs + Math.round(Number(seconds) * 1000);
  const [, year, month, day, hour, minute, second, fraction = ''] = ABSOLUTE.exec(text) ?? [];
  if (year === undefined) return undefined;
  const iso = `${year}-${month ?? ''}-${day ?? ''}T${hour ?? ''}:${minute ?? ''}:${second ?? ''}`;
  const ms = Date.parse(`${iso}${fraction}Z`);
  // A date that does not exist, such as 31 June, would be taken for another one.
  return Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(iso) ? undefined : ms;
}

/** With decimals only where the time is no whole second. */
export function formatIonTime(ms: number): string {
  const iso = new Date(ms).toISOString();
  const fraction = ms % 1000 === 0 ? '' : iso.slice(19, 23);
  return `${iso.slice(0, 10).replaceAll('-', '/')}-${iso.slice(11, 19)}${fraction}`;
}
