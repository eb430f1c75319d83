import type { z } from 'zod';
import { SlipwayError } from '../kit/errors.ts';

/**
 * Parses one wire value.
 * @throws SLIP_RPC_BAD_MESSAGE naming the field and the rule, never the value (it may be a secret)
 */
export function decode<T>(schema: z.ZodType<T>, wire: unknown, what: string): T {
  const result = schema.safeParse(wire);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = issue === undefined ? '' : issue.path.map(String).join('.').slice(0, 120);
  throw badMessage(`${what}${path === '' ? '' : `.${path}`} ${issue?.message.slice(0, 200) ?? 'is not valid'}`);
}

export function badMessage(detail: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_RPC_BAD_MESSAGE',
    kind: 'transient',
    message: `A message between controller and agent is not valid: ${detail}.`,
    hint: 'Check that controller and agent have the same version: `slipway status`.',
  });
}
