/** Key 0 of every typed object: what it is, and with that its major version (spec/README.md). */
export const OBJECT_TYPE = {
  record: 1,
  offer: 2,
  receipt: 3,
  retract: 4,
  accept: 5,
  refusal: 10,
  want: 11,
  have: 12,
} as const;
