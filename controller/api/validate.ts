import { z } from 'zod';
import { quoteInput } from '../../shared/domain/names.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { nearest } from '../../shared/kit/nearest.ts';

/** Parses a part of a request. @throws SLIP_INPUT with the field, without its value, which may be secret */
export function parseInput<T extends z.ZodType>(schema: T, value: unknown, place: 'query' | 'body'): z.output<T> {
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue === undefined ? undefined : fieldSchema(schema, issue);
  throw new SlipwayError({
    code: 'SLIP_INPUT',
    httpStatus: 422,
    message: issue === undefined ? `The ${place} of the request is not valid.` : describe(issue, place, field),
    hint: issue === undefined ? undefined : suggest(issue, schema, place === 'query' ? field : undefined),
  });
}

const SAFE_NUMBERS = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];

const fieldRule = z.object({
  type: z.string().optional(),
  enum: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  maxLength: z.number().optional(),
  pattern: z.string().optional(),
  default: z.union([z.string(), z.number(), z.boolean()]).optional(),
});
type FieldRule = z.output<typeof fieldRule>;

/** The rule of the field with this issue, when it is a field of the request itself. */
function fieldSchema(schema: z.ZodType, { path }: z.core.$ZodIssue): FieldRule | undefined {
  const [name] = path;
  if (!(schema instanceof z.ZodObject) || path.length !== 1 || typeof name !== 'string') return undefined;
  const field: unknown = schema.shape[name];
  if (!(field instanceof z.ZodType)) return undefined;
  return fieldRule.safeParse(z.toJSONSchema(field, { io: 'output', unrepresentable: 'any' })).data;
}

function describe(issue: z.core.$ZodIssue, place: 'query' | 'body', rule: FieldRule | undefined): string {
  if (issue.code === 'unrecognized_keys')
    return `The ${place} of the request has an unknown field ${quoteInput(issue.keys[0] ?? '')}.`;
  const field = issue.path.map(String).join('.');
  const subject = field === '' ? `The ${place} of the request` : `The ${KINDS[place]} ${quoteInput(field)}`;
  const allowed = rule === undefined ? undefined : allowedValues(rule);
  return allowed === undefined ? `${subject} is not valid: ${issue.message}.` : `${subject} must be ${allowed}.`;
}

const KINDS = { query: 'query parameter', body: 'body field' };

/** The values that a field may have, in words. Undefined: only the schema can tell. */
function allowedValues({ type, enum: values, maxLength, pattern, ...bounds }: FieldRule): string | undefined {
  if (values !== undefined) return values.join(' or ');
  if (type === 'boolean') return 'true or false';
  if (type === 'integer') return wholeNumber(bounds);
  if (type === 'string' && pattern === undefined && maxLength !== undefined)
    return `a text of at most ${String(maxLength)} characters`;
  return undefined;
}

function wholeNumber(bounds: Pick<FieldRule, 'minimum' | 'maximum'>): string {
  const [minimum, maximum] = [bounds.minimum, bounds.maximum].map((bound) =>
    bound === undefined || SAFE_NUMBERS.includes(bound) ? undefined : String(bound),
  );
  if (minimum === undefined) return maximum === undefined ? 'a whole number' : `a whole number of at most ${maximum}`;
  return maximum === undefined ? `a whole number, ${minimum} or more` : `a whole number from ${minimum} to ${maximum}`;
}

function suggest(issue: z.core.$ZodIssue, schema: z.ZodType, rule: FieldRule | undefined): string | undefined {
  if (issue.code !== 'unrecognized_keys' || !(schema instanceof z.ZodObject)) {
    if (rule === undefined) return undefined;
    return rule.default === undefined
      ? 'The parameter is optional: you can leave it out.'
      : `Without this parameter, the value is ${String(rule.default)}.`;
  }
  const known = Object.keys(schema.shape);
  const near = nearest(issue.keys[0] ?? '', known);
  if (near !== undefined) return `Did you mean "${near}"?`;
  return known.length === 0 ? 'No fields are expected here.' : `Known fields: ${known.join(', ')}.`;
}
