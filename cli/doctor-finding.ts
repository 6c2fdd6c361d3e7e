/** What one look of `postern doctor` found. */

export interface Finding {
  /** What was looked at. */
  readonly what: string;
  /** fine: nothing to do. remark: it works, and somebody should know. bad: it does not work, or will not. */
  readonly state: 'fine' | 'remark' | 'bad';
  readonly found: string;
  /** What would mend it. */
  readonly mend?: string;
}

export function fine(what: string, found: string): Finding {
  return { what, state: 'fine', found };
}

export function remark(what: string, found: string, mend: string): Finding {
  return { what, state: 'remark', found, mend };
}

export function bad(what: string, found: string, mend: string): Finding {
  return { what, state: 'bad', found, mend };
}
