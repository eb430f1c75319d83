import { z } from 'zod';
import { checkList, type HealthCheck, type HealthChecks } from '../domain/health-check.ts';
import * as field from './fields.ts';
import type { HealthCheck as WireHealthCheck } from './gen/slipway/v1/HealthCheck.ts';
import type { HealthChecks as WireHealthChecks } from './gen/slipway/v1/HealthChecks.ts';

const list = z.object({ checks: checkList }).transform(({ checks }) => checks);

/** The checks of one process type, from {@link WireHealthChecks}. Absent: none. */
export const typeChecks: z.ZodType<readonly HealthCheck[] | undefined> = field
  .optional(list)
  .transform((checks) => (checks === undefined || checks.length === 0 ? undefined : checks));

/** The checks of all process types of an app. Absent: none. */
export const appChecks: z.ZodType<HealthChecks | undefined> = z
  .record(field.processType, list)
  .default({})
  .transform((checks) => (Object.keys(checks).length === 0 ? undefined : checks));

/** Process types without checks are left out. */
export function encodeChecks(checks: HealthChecks = {}): Record<string, WireHealthChecks> {
  const given = Object.entries(checks).filter(([, each]) => each.length > 0);
  return Object.fromEntries(given.map(([type, each]) => [type, { checks: each.map(encodeCheck) }]));
}

function encodeCheck(check: HealthCheck): WireHealthCheck {
  const absent = { port: undefined, content: undefined, command: [] };
  const { name = '', port = 0, content = '', command, ...rest } = { ...absent, ...check };
  return { ...rest, name, port, content, command: [...command] };
}
