/**
 * The one list of type numbers (spec/README.md). A number says what an object is, and with that its major
 * version: under key 0 where the object is a map of its own, as the first byte of a datagram, and in the
 * context of every signature and seal.
 */
export const OBJECT_TYPE = {
  record: 1,
  offer: 2,
  receipt: 3,
  retract: 4,
  accept: 5,
  keyRecord: 6,
  domainRecord: 7,
  refusal: 10,
  want: 11,
  have: 12,
  outerNotification: 13,
  envelope: 14,
  contentKey: 15,
  innerNotification: 16,
  datagram: 17,
  domainCard: 18,
  gatewayCard: 19,
  stickManifest: 20,
  stickKey: 21,
} as const;
