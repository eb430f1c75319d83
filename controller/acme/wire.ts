import { z } from 'zod';

/** What a CA answers. Unknown fields are ignored, and every text and list has a limit. */

const url = z
  .string()
  .max(2_000)
  .refine((text) => URL.canParse(text) && new URL(text).protocol === 'https:', 'not an https URL');
const text = z.string().max(10_000);
const name = z.string().max(300);
const time = z.iso.datetime({ offset: true }).transform((value) => Date.parse(value));

const identifier = z.object({ type: z.string().max(20), value: name });

/** RFC 8555, 6.7 and 6.7.1. */
export const problemDocument = z.object({
  type: text.optional(),
  detail: text.optional(),
  subproblems: z
    .array(
      z.object({ type: text.optional(), detail: text.optional(), identifier: z.object({ value: name }).optional() }),
    )
    .max(200)
    .optional(),
});

/** RFC 8555, 7.1.1; `renewalInfo`: RFC 9773, 4; `profiles`: draft-ietf-acme-profiles. */
export const directory = z.object({
  newNonce: url,
  newAccount: url,
  newOrder: url,
  revokeCert: url,
  renewalInfo: url.optional(),
  meta: z
    .object({
      termsOfService: text.optional(),
      caaIdentities: z.array(name).max(50).optional(),
      externalAccountRequired: z.boolean().optional(),
      profiles: z.record(name, text).optional(),
    })
    .optional(),
});

/** RFC 8555, 7.1.2. */
export const account = z.object({
  status: z.enum(['valid', 'deactivated', 'revoked']),
  orders: url.optional(),
});

/** RFC 8555, 7.1.2.1. */
export const orderList = z.object({ orders: z.array(url).max(1_000) });

/** RFC 8555, 7.1.3. */
export const order = z.object({
  status: z.enum(['pending', 'ready', 'processing', 'valid', 'invalid']),
  expires: time.optional(),
  identifiers: z.array(identifier).min(1).max(100),
  authorizations: z.array(url).max(100),
  finalize: url,
  certificate: url.optional(),
  error: problemDocument.optional(),
});

/** RFC 8555, 8. */
const challenge = z.object({
  type: z.string().max(50),
  url,
  status: z.enum(['pending', 'processing', 'valid', 'invalid']),
  token: z
    .string()
    .regex(/^[A-Za-z0-9_-]{16,128}$/)
    .optional(),
  error: problemDocument.optional(),
});

/** RFC 8555, 7.1.4. */
export const authorization = z.object({
  identifier,
  status: z.enum(['pending', 'valid', 'invalid', 'deactivated', 'expired', 'revoked']),
  expires: time.optional(),
  challenges: z.array(challenge).max(50),
});

/** RFC 9773, 4.2. */
export const renewalInfo = z.object({
  suggestedWindow: z.object({ start: time, end: time }),
  explanationURL: text.optional(),
});

export type Directory = z.output<typeof directory>;
export type OrderBody = z.output<typeof order>;
export type Authorization = z.output<typeof authorization>;
