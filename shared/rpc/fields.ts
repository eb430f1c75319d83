import { z } from 'zod';
import { isDigest, isId, type Digest } from '../domain/ids.ts';
import {
  parseAppName,
  parseConfigName,
  parseDomain,
  parseHostname,
  parseProcessType,
  type AppName,
  type ProcessType,
} from '../domain/names.ts';
import { sealAll } from '../kit/sensitive.ts';

// Field schemas of the wire, built from the shared validators. The limits bound the use of memory.

export const MAX_TEXT_LENGTH = 4_000;
export const MAX_LAST_LINES = 100;
export const MAX_LOG_LINES = 1_000;
export const MAX_LOG_MESSAGE_LENGTH = 64 * 1024;
export const MAX_CHUNK_BYTES = 256 * 1024;
const MAX_VALUE_LENGTH = 256 * 1024;
const MAX_CONFIG_VARS = 2_000;

function accepts(parse: (text: string) => unknown): (text: string) => boolean {
  return (text) => {
    try {
      parse(text);
      return true;
    } catch {
      return false;
    }
  };
}

/** An id of the kind `T` names. */
export function id<T extends string>(): z.ZodType<T, string> {
  return z
    .string()
    .refine(isId, 'is not an id')
    .transform((text) => text as T);
}

export const text = z.string().max(MAX_TEXT_LENGTH);
export const word = z.string().max(256);
/** An integer that is not negative and exactly representable. */
export const count = z.int().min(0);
export const size = z.int().min(1);
/** A length of time or a load: finite, not negative. */
export const amount = z.number().min(0);

export const digest = z
  .string()
  .refine(isDigest, 'is not a sha256 digest')
  .transform((value): Digest => value);
export const appName = z
  .string()
  .refine(accepts(parseAppName), 'is not an app name')
  .transform((value): AppName => value as AppName);
export const processType = z
  .string()
  .refine(accepts(parseProcessType), 'is not a process type')
  .transform((value): ProcessType => value as ProcessType);
export const hostname = z
  .string()
  .refine((value) => accepts(parseHostname)(value) && value === value.toLowerCase(), 'is not a host name');
/** A host name, or `*.` and one. */
export const domain = z
  .string()
  .refine((value) => accepts(parseDomain)(value) && value === value.toLowerCase(), 'is not a domain');
/** Serial of a certificate, as the controller stores it. */
export const serial = z.string().regex(/^[0-9a-f]{2,64}$/, 'is not a serial');
/** SHA-256 of a certificate. */
export const fingerprint = z.string().regex(/^[0-9a-f]{64}$/, 'is not a fingerprint');
/** RFC 8555 8.1: SHA-256 of a key, base64url. */
export const thumbprint = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'is not a thumbprint');
export const commit = z.string().regex(/^[0-9a-f]{40}$/, 'is not a commit');
export const stackName = z.string().regex(/^[a-z0-9][a-z0-9.-]{0,62}$/, 'is not a stack name');
export const layerName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'is not a layer name');
export const reasonCode = z.string().regex(/^SLIP_[A-Z0-9_]{1,58}$/, 'is not an error code');
export const command = z.string().min(1).max(MAX_VALUE_LENGTH);
/** `web.1`, `router`, `web`. */
export const processLabel = z.string().regex(/^[A-Za-z0-9_.-]{1,80}$/, 'is not a process');
/** Start of a range of 65536 uids, root's own excluded. */
export const uidBase = z
  .int()
  .min(1)
  .max(2 ** 32 - 65536);

export const timings = z
  .record(z.string().regex(/^[\w.:-]{1,64}$/), amount)
  .refine((value) => Object.keys(value).length <= 100, 'has too many entries');

export const plainConfig = z
  .record(z.string().refine(accepts(parseConfigName), 'is not a config name'), z.string().max(MAX_VALUE_LENGTH))
  .refine((value) => Object.keys(value).length <= MAX_CONFIG_VARS, 'has too many entries');
/** Sealed here, so that no log can show the values. */
export const config = plainConfig.transform(sealAll);

export const processTypes = z
  .record(processType, command)
  .refine((value) => Object.keys(value).length <= 200, 'has too many entries')
  .transform((value): Readonly<Record<string, string>> => value);

/** proto3 has no absent strings: empty means absent. */
export function emptyIsAbsent<T>(schema: z.ZodType<T, string>): z.ZodType<T | undefined, string> {
  return z.union([z.literal('').transform(() => undefined), schema]);
}

/** A message field that was not set arrives as null. */
export function optional<T, I>(schema: z.ZodType<T, I>): z.ZodType<T | undefined, I | null | undefined> {
  return schema.nullish().transform((value) => value ?? undefined);
}
