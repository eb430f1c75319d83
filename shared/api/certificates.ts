import { z } from 'zod';
import { nameHttpsBody } from './https.ts';
import type { RouteSpec } from './route-spec.ts';
import { list, problemBody, wordOf } from './schema.ts';

const REASONS = ['unspecified', 'keyCompromise', 'superseded', 'cessationOfOperation'] as const;

const certificateBody = z.object({
  id: z.string(),
  /** `acme`: ordered by the controller. */
  kind: wordOf(['uploaded', 'acme']),
  names: list(z.string()),
  /** Empty: not known. */
  issuer: z.string(),
  /** SHA-256 of the certificate, hexadecimal. */
  fingerprint: z.string(),
  notBeforeMs: z.number(),
  notAfterMs: z.number(),
  /** Host names of the app for which the nodes use this certificate now. */
  serves: list(z.string()),
  /** Every node that answers HTTPS. Empty: no host name uses the certificate, or no node answers HTTPS. */
  nodes: list(
    z.object({
      name: z.string(),
      connected: z.boolean(),
      state: wordOf(['served', 'waiting', 'unserved']),
      /** Why the node does not serve it. */
      message: z.string().optional(),
      /** The former certificate, which the node still serves. */
      servedFingerprint: z.string().optional(),
    }),
  ),
  /** Why its key is not secret any more. Only of uploaded certificates: others are ordered again. */
  exposed: z.string().optional(),
  /** Absent: no revocation was requested. `replacing`: it is revoked when its successor is served. */
  revocation: z
    .object({
      state: wordOf(['replacing', 'revoking', 'revoked']),
      reason: wordOf(REASONS),
      cause: z.string(),
      /** Why the certificate authority has not revoked it yet. */
      problem: problemBody.extend({ code: z.string() }).optional(),
    })
    .optional(),
});
export type CertificateBody = z.output<typeof certificateBody>;

const addedBody = certificateBody.extend({
  /** It replaced the former upload with the same names. */
  replaced: z.boolean(),
  warnings: list(z.string()),
});
export type CertificateAddedBody = z.output<typeof addedBody>;

/** A file in base64. */
const file = z.base64().max(400_000);

export const certificateSpecs = {
  listCertificates: {
    method: 'GET',
    path: '/apps/:app/certificates',
    summary: 'List the certificates of an app, and those of the fleet that serve its names.',
    /** The names are the domains whose certificates the controller orders. Absent: the controller is older. */
    answer: z.object({ certificates: list(certificateBody), names: list(nameHttpsBody).optional() }),
  },
  addCertificate: {
    method: 'POST',
    path: '/apps/:app/certificates',
    summary:
      'Upload a certificate with its chain and key, each as PEM or DER in base64. The answer comes when all connected nodes serve it, or after 15 seconds.',
    body: z.strictObject({ certificate: file, key: file }),
    answer: addedBody,
  },
  readCertificateInfo: {
    method: 'GET',
    path: '/apps/:app/certificates/:certificate',
    summary: 'Read one certificate of an app, by its id or by a name in it.',
    answer: certificateBody,
  },
  removeCertificate: {
    method: 'DELETE',
    path: '/apps/:app/certificates/:certificate',
    summary: 'Remove an uploaded certificate from an app.',
    answer: z.object({ id: z.string(), names: list(z.string()) }),
  },
  revokeCertificate: {
    method: 'POST',
    path: '/apps/:app/certificates/:certificate/revoke',
    summary:
      'Revoke an ordered certificate at its certificate authority. A successor with a new key is ordered and served first, unless `now` is true.',
    body: z.strictObject({ reason: z.enum(REASONS), now: z.boolean().optional() }),
    answer: certificateBody,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;
