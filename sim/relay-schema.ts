/** What may be ordered of a relay while it runs: the words of a scenario, for one way of a link or both. */
import { z } from 'zod';
import { badRequest } from '../gateway/private-door.js';
import { durationUs } from './quantity-schema.js';
import { way } from './scenario-schema.js';

const which = {
  link: z.string().min(1).max(64),
  /** The node towards which; absent: both ways. */
  towards: z.string().min(1).max(32).optional(),
};

/** What is not named stays as it is. A relay reads no files for those who order it about. */
const change = z
  .strictObject({ ...which, ...way })
  .refine(({ trace }) => trace?.file === undefined, { path: ['trace', 'file'], message: 'a relay that runs takes the text of a trace, not the name of a file' });
const cut = z.strictObject({ ...which, for: durationUs.optional() });
const restore = z.strictObject(which);

export type Change = z.infer<typeof change>;
export type Cut = z.infer<typeof cut>;
export type Restore = z.infer<typeof restore>;

/** Each throws GATEWAY_ADMIN_REQUEST. */
export const readChange = (value: unknown): Change => understood(change, value);
export const readCut = (value: unknown): Cut => understood(cut, value);
export const readRestore = (value: unknown): Restore => understood(restore, value);

function understood<Order>(schema: z.ZodType<Order>, value: unknown): Order {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw badRequest(parsed.error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`)).join('; '));
}
