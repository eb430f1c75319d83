import { z } from 'zod';
import type { Reason } from '../domain/instance.ts';

// What the schemas of several areas use. Times are wall clock, in ms since the epoch.

/** A list in an answer. */
export function list<T extends z.ZodType>(each: T): z.ZodReadonly<z.ZodArray<T>> {
  return z.array(each).readonly();
}

type Words<T extends string> = z.ZodCatch<z.ZodUnion<readonly [z.ZodLiteral<T>, z.ZodLiteral<'unknown'>]>>;

/** One word of a fixed set. An older CLI reads a word that a newer controller added as `unknown`. */
export function wordOf<const T extends readonly [string, ...string[]]>(words: T): Words<T[number]> {
  return z.union([z.literal(words), z.literal('unknown')]).catch('unknown');
}

/** Names with values, such as labels. */
export const textRecord = z.record(z.string(), z.string());

export const reason = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
}) satisfies z.ZodType<Reason>;

/** Something that needs attention, with the command that helps. */
export const problemBody = z.object({ message: z.string(), next: z.string() });
export type ProblemBody = z.output<typeof problemBody>;

export const errorBody = z.object({
  /** `SLIP_<AREA>_<NAME>` */
  error: z.string(),
  message: z.string(),
  hint: z.string().optional(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});
export type ErrorBody = z.output<typeof errorBody>;

export const instanceState = wordOf([
  'pending',
  'fetching',
  'starting',
  'live',
  'backoff',
  'stopping',
  'stopped',
  'failed',
]);
export const desiredState = z.enum(['run', 'standby', 'stop']);

/** A number of rows to answer with. */
export function rowLimit(defaultRows: number): z.ZodDefault<z.ZodCoercedNumber> {
  return z.coerce.number().int().min(1).max(1000).default(defaultRows);
}

/** True in a query is the text `true`. */
export const queryFlag = z.stringbool().default(false).describe('true or false');
