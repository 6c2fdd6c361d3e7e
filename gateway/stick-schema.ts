/** What a gateway remembers of sticks, as it lies in the data folder: read as strictly as anything else that lies on a disk. */
import { z } from 'zod';

const count = z.int().min(0);
const fileId = z.string().regex(/^[0-9a-f]{32}$/);

/** One file that went out, and what is in it. */
export const outFileSchema = z.strictObject({
  /** Of the stick. */
  stick: fileId,
  peer: z.string(),
  createdMs: count,
  /** After this nothing in it matters any more. */
  untilMs: count,
  bytes: count,
  controls: count,
  /** The other gateway has said that it came whole. */
  taken: z.boolean(),
  /** rids: 32 bytes each, one after another, in base64. part: there is more of a large blob elsewhere. */
  batches: z.array(z.strictObject({ root: z.string().regex(/^[0-9a-f]{64}$/), rids: z.base64(), part: z.boolean() })),
});
export type OutFileState = z.infer<typeof outFileSchema>;

const event = z.strictObject({
  atMs: count,
  kind: z.enum(['out', 'in', 'receipt', 'removed', 'missing', 'damaged']),
  peer: z.string().optional(),
  records: count.optional(),
  bytes: count.optional(),
  files: count.optional(),
});

const stick = z.strictObject({ id: fileId, firstMs: count, lastMs: count, events: z.array(event) });

const seenFile = z.strictObject({ id: fileId, atMs: count, untilMs: count });
const badFile = z.strictObject({ name: z.string().max(64), bytes: count, changedMs: z.number(), reason: z.string(), atMs: count });
const news = z.strictObject({ peer: z.string(), taken: z.array(fileId), damaged: z.array(fileId) });
const carried = z.strictObject({ id: fileId, bytes: count, untilMs: count, on: z.array(fileId) });

export const stickBookSchema = z.strictObject({
  sticks: z.array(stick),
  taken: z.array(seenFile),
  bad: z.array(badFile),
  news: z.array(news),
  carried: z.array(carried),
});
export type StickBook = z.infer<typeof stickBookSchema>;
export type StickHistory = z.infer<typeof stick>;
export type StickEvent = z.infer<typeof event>;
export type BadFile = z.infer<typeof badFile>;
export type CarriedFile = z.infer<typeof carried>;
