/**
 * Names that come from somebody else. A sender chooses the name inside the seal; here it becomes a name
 * that can do no harm in a folder or on a terminal.
 */

/** The longest name that ext4, exFAT and the rest of them take, less room for a ` (123)`. */
const LONGEST_NAME_BYTES = 240;
const FALLBACK = 'message';

/** Control characters, the bidi overrides that make `exe.txt` look like `txt.exe`, separators of any system, and what FAT refuses. */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\p{Cs}/\\:*?"<>|]/gu;

/** Names that mean a device and not a file on some systems, with or without an extension. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/** One plain file name: no path, no control characters, not hidden, never empty, short enough. */
export function safeFileName(proposed: string | undefined): string {
  const cleaned = (proposed ?? '').replace(UNSAFE, '_').replace(/^[\s.]+|[\s.]+$/gu, '');
  const name = shorten(cleaned, LONGEST_NAME_BYTES);
  if (name === '') return FALLBACK;
  return DEVICE.test(name) ? `_${name}` : name;
}

/** `report.pdf` with number 2 is `report (2).pdf`. */
export function numberedFileName(name: string, number: number): string {
  if (number === 1) return name;
  const { stem, extension } = split(name);
  return `${stem} (${number})${extension}`;
}

/** Text from outside made fit for one line of a terminal. */
export function printable(text: string): string {
  return text.replace(UNSAFE_ON_A_TERMINAL, '\u{fffd}');
}

const UNSAFE_ON_A_TERMINAL = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\p{Cs}]/gu;

/** Cuts the stem, not the extension, and never through a character. */
function shorten(name: string, limitBytes: number): string {
  const { stem, extension } = split(name);
  const characters = Array.from(stem);
  while (Buffer.byteLength(characters.join('') + extension) > limitBytes && characters.length > 0) characters.pop();
  return characters.join('') + extension;
}

function split(name: string): { stem: string; extension: string } {
  const dot = name.lastIndexOf('.');
  if (dot <= 0 || name.length - dot > 16) return { stem: name, extension: '' };
  return { stem: name.slice(0, dot), extension: name.slice(dot) };
}
