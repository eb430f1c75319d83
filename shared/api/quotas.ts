import { z } from 'zod';
import { QUOTA_CEILING, QUOTA_NAMES, quotaTrouble } from '../domain/quota.ts';
import { list } from './schema.ts';
import type { RouteSpec } from './route-spec.ts';

const quotaBody = z.object({
  name: z.string(),
  /** In words: `SSH keys`. */
  what: z.string(),
  max: z.number(),
  /** Absent for quotas that are counted only while something runs. */
  used: z.number().optional(),
  /** An administrator has set this number for this user. */
  own: z.boolean(),
});

const quotasBody = z.object({ user: z.string(), quotas: list(quotaBody) });
export type QuotasBody = z.output<typeof quotasBody>;

/** `null`: the fleet's number again. */
const quotaChanges = z
  .partialRecord(z.enum(QUOTA_NAMES), z.number().int().min(0).max(QUOTA_CEILING).nullable())
  .refine((changes) => Object.keys(changes).length > 0, 'at least one quota is needed')
  .superRefine((changes, context) => {
    const message = quotaTrouble(changes);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
export type QuotaChanges = z.output<typeof quotaChanges>;

export const quotaSpecs = {
  showQuotas: { method: 'GET', path: '/quotas', summary: 'Show the quotas of the caller.', answer: quotasBody },
  showUserQuotas: {
    method: 'GET',
    path: '/users/:name/quotas',
    summary: 'Show the quotas of a user.',
    answer: quotasBody,
  },
  changeUserQuotas: {
    method: 'PATCH',
    path: '/users/:name/quotas',
    summary: 'Change the quotas of a user.',
    body: quotaChanges,
    answer: quotasBody,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;
