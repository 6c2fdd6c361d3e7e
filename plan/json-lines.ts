/** Where things stand in a JSON text, which JSON.parse does not tell. */

/** The line on which each object of the list under `key`, a key of the outermost object, begins. The text is known to be JSON. */
export function elementLines(text: string, key: string): number[] {
  const lines: number[] = [];
  let depth = 0;
  let line = 1;
  let word: string | undefined;
  let inList = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index] as string;
    if (character === '\n') line += 1;
    else if (character === '"') {
      const end = endOfString(text, index);
      if (depth === 1) word = text.slice(index + 1, end);
      index = end;
    } else if (character === '{' || character === '[') {
      if (character === '[' && depth === 1 && word === key) inList = true;
      if (inList && depth === 2) lines.push(line);
      depth += 1;
    } else if (character === '}' || character === ']') {
      depth -= 1;
      if (depth === 1) inList = false;
    }
  }
  return lines;
}

/** The line of a fault that JSON.parse has thrown, as far as it tells. */
export function lineOfFault(text: string, thrown: unknown): number {
  const [, position] = /position (\d+)/.exec(thrown instanceof Error ? thrown.message : '') ?? [];
  return text.slice(0, position === undefined ? text.length : Number(position)).split('\n').length;
}

function endOfString(text: string, start: number): number {
  let index = start + 1;
  while (index < text.length && text[index] !== '"') index += text[index] === '\\' ? 2 : 1;
  return index;
}
