/** The table in docs/threats.md: for every threat the tests that try it. */

export interface ThreatRow {
  /** `T4` */
  readonly threat: string;
  readonly file: string;
  /** Words of the title of a test in it. */
  readonly title: string;
}

const ROW = /^\| (?:(T\d+) [^|]+|) ?\| `([^`]+)` (.+) \|$/;

/** A line that names no threat goes on with the one before. Throws at a line of another form. */
export function readThreats(text: string): ThreatRow[] {
  let current = '';
  return text
    .split('\n')
    .filter((line) => line.startsWith('| ') && line.includes('`') && !line.startsWith('| threat'))
    .map((line) => {
      const [, threat, file, title] = ROW.exec(line) ?? [];
      if (file === undefined || title === undefined) throw new TypeError(`not a line of the table: ${line}`);
      current = threat ?? current;
      return { threat: current, file, title };
    });
}
