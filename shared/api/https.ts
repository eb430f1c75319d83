import { z } from 'zod';
import { whyBody } from './observe.ts';
import type { RouteSpec } from './route-spec.ts';
import { list, problemBody, wordOf } from './schema.ts';

export const nameHttpsBody = z.object({
  hostname: z.string(),
  /** Of its order; `uploaded`: an uploaded certificate serves it; `off`: it has no certificate, and none is ordered. */
  state: wordOf([
    ...(['needed', 'checking', 'ordered', 'presenting', 'propagating', 'answering'] as const),
    ...(['validating', 'finalizing', 'issued'] as const),
    ...(['delivering', 'serving', 'waiting', 'blocked', 'uploaded', 'off'] as const),
  ]),
  sinceMs: z.number().optional(),
  /** When the order goes on, or when the certificate is looked at again. */
  nextAtMs: z.number().optional(),
  /** Why it waits, is blocked or is off. */
  problem: problemBody.extend({ code: z.string().optional() }).optional(),
  /** Of the certificate that serves it now. */
  notAfterMs: z.number().optional(),
  renewAtMs: z.number().optional(),
  /** Every connected node serves the certificate. */
  everywhere: z.boolean(),
});
export type NameHttpsBody = z.output<typeof nameHttpsBody>;

const hstsBody = z.strictObject({
  maxAgeS: z.int().min(0),
  includeSubdomains: z.boolean(),
  preload: z.boolean(),
});

const appHttpsBody = z.object({
  /** Plain requests are redirected to HTTPS, for each name whose certificate every connected node serves. */
  redirect: z.boolean(),
  /** Certificates are ordered for the domains of the app. */
  auto: z.boolean(),
  /** The operator chose a certificate authority and agreed to its terms. */
  ready: z.boolean(),
  names: list(nameHttpsBody),
  /** The domain to which requests for the other names of the app are redirected. */
  canonical: z.string().optional(),
  /** The header Strict-Transport-Security of answers over HTTPS. Sent while `redirect` is on. */
  hsts: hstsBody.optional(),
  /** After a change: the nodes that do not follow it. */
  problems: list(problemBody).optional(),
});
export type AppHttpsBody = z.output<typeof appHttpsBody>;

const checkedBody = z.object({
  hostname: z.string(),
  /** What the certificate authority would find too. Absent: every check passed. */
  problem: problemBody.extend({ code: z.string() }).optional(),
  /** What a front proxy, such as Cloudflare, does to the requests. It keeps nothing from being ordered. */
  warning: problemBody.extend({ code: z.string() }).optional(),
  https: nameHttpsBody,
});
export type DomainCheckedBody = z.output<typeof checkedBody>;

const tlsBody = z.object({
  directoryUrl: z.string(),
  contacts: list(z.string()),
  profile: z.string().optional(),
  termsAgreed: z.boolean(),
  /** Of the binding to an account that the operator has at the certificate authority. Its key is never shown. */
  externalKeyId: z.string().optional(),
  /** The server of the certificate authority is checked with an own CA. */
  hasCaFile: z.boolean(),
  accountUrl: z.string().optional(),
  termsUrl: z.string().optional(),
  /** Why the certificate authority cannot be used. */
  problem: problemBody.extend({ code: z.string() }).optional(),
});
export type TlsBody = z.output<typeof tlsBody>;

const CA_FILE_CHARACTERS_MAX = 40_000;

export const httpsSpecs = {
  readHttps: {
    method: 'GET',
    path: '/apps/:app/https',
    summary: 'Read how the names of an app are served over HTTPS.',
    answer: appHttpsBody,
  },
  setHttps: {
    method: 'PATCH',
    path: '/apps/:app/https',
    summary:
      'Change the redirect to HTTPS, the canonical name, HSTS, or automatic certificates. Off also ends the ordered certificates.',
    body: z.strictObject({
      redirect: z.boolean().optional(),
      auto: z.boolean().optional(),
      /** Null: no canonical name. */
      canonical: z.string().max(300).nullable().optional(),
      /** Null: no header. */
      hsts: hstsBody.nullable().optional(),
    }),
    answer: appHttpsBody,
  },
  readDomainHttps: {
    method: 'GET',
    path: '/domains/:hostname/https',
    summary: 'Read how a domain is served over HTTPS.',
    answer: nameHttpsBody,
  },
  checkDomain: {
    method: 'POST',
    path: '/domains/:hostname/check',
    summary: 'Check a domain as the certificate authority will, and continue its order at once.',
    answer: checkedBody,
  },
  whyDomain: {
    method: 'GET',
    path: '/domains/:hostname/why',
    summary: 'Explain how a domain is served over HTTPS, or why it is not.',
    answer: whyBody,
  },
  readTls: {
    method: 'GET',
    path: '/tls',
    summary: 'Read which certificate authority this fleet uses.',
    answer: tlsBody,
  },
  setTls: {
    method: 'PATCH',
    path: '/tls',
    summary:
      'Choose the certificate authority, and agree to its terms. Absent fields stay as they are; another authority needs a new agreement.',
    body: z.strictObject({
      directoryUrl: z.string().max(300).optional(),
      /** PEM; empty: the certificate authorities of the machine. */
      caPem: z.string().max(CA_FILE_CHARACTERS_MAX).optional(),
      contacts: z.array(z.string().max(254)).max(5).optional(),
      agreeTerms: z.boolean().optional(),
      /** Both empty: no binding. */
      externalAccount: z.strictObject({ keyId: z.string().max(300), hmacKey: z.string().max(1000) }).optional(),
      /** Empty: the default of the certificate authority. */
      profile: z.string().max(64).optional(),
    }),
    answer: tlsBody,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;
