import { z } from 'zod';
import type { CertificateId } from '../domain/ids.ts';
import { clip } from './clip.ts';
import { encodeReason } from './encode.ts';
import * as field from './fields.ts';
import type { CertificatesServed } from './messages.ts';
import { reason } from './schemas.ts';
import type { WireAgentMessage } from './service.ts';

const UNSERVED_MAX = 20_000;
/** Most characters of all reasons in a message. */
const REASONS_LENGTH_MAX = 1024 * 1024;
const REASON_LENGTH_MIN = 8;

export const certificatesServed = z.object({
  version: field.count,
  unserved: z
    .array(
      z.object({
        id: field.id<CertificateId>(),
        servedFingerprint: field.emptyIsAbsent<string>(field.fingerprint),
        reason,
      }),
    )
    .max(UNSERVED_MAX),
});

/** Many failures share the text of a message, so that it never becomes too large. */
export function encodeServed({
  version,
  unserved,
}: Omit<CertificatesServed, 'kind'>): NonNullable<WireAgentMessage['certificatesServed']> {
  const length = Math.max(REASON_LENGTH_MIN, Math.floor(REASONS_LENGTH_MAX / (2 * Math.max(1, unserved.length))));
  return {
    version,
    unserved: unserved.map(({ id, servedFingerprint = '', reason: { code, message, hint } }) => ({
      id,
      servedFingerprint,
      reason: encodeReason({ code, message: clip(message, length), hint: hint && clip(hint, length) }),
    })),
  };
}
