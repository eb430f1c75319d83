import { z } from 'zod';
import { quoteInput } from '../../shared/domain/names.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { nearest } from '../../shared/kit/nearest.ts';

/** Parses a part of a request. @throws SLIP_INPUT with the field, without its value, which may be secret */
export function parseInput<T extends z.ZodType>(schema: T, value: unknown, place: 'query' | 'body'): z.output<T> {
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new SlipwayError({
    code: 'SLIP_INPUT',
    httpStatus: 422,
    message: issue === undefined ? `The ${place} of the request is not valid.` : describe(issue, place),
    hint: issue === undefined ? undefined : suggest(issue, schema),
  });
}

function describe(issue: z.core.$ZodIssue, place: string): string {
  if (issue.code === 'unrecognized_keys')
    return `The ${place} of the request has an unknown field ${quoteInput(issue.keys[0] ?? '')}.`;
  const field = issue.path.map(String).join('.');
  const subject =
    field === '' ? `The ${place} of the request` : `The field ${quoteInput(field)} of the request's ${place}`;
  return `${subject} is not valid: ${issue.message}.`;
}

function suggest(issue: z.core.$ZodIssue, schema: z.ZodType): string | undefined {
  if (issue.code !== 'unrecognized_keys' || !(schema instanceof z.ZodObject)) return undefined;
  const known = Object.keys(schema.shape);
  const near = nearest(issue.keys[0] ?? '', known);
  if (near !== undefined) return `Did you mean "${near}"?`;
  return known.length === 0 ? 'No fields are expected here.' : `Known fields: ${known.join(', ')}.`;
}
