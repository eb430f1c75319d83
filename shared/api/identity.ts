import { z } from 'zod';
import { list, textRecord } from './schema.ts';
import type { RouteSpec } from './route-spec.ts';

const userBody = z.object({ name: z.string(), admin: z.boolean(), createdAtMs: z.number() });
export type UserBody = z.output<typeof userBody>;

/** Answer to the creation of a user; the token is shown only once. */
const newUserBody = userBody.extend({ token: z.string() });
export type NewUserBody = z.output<typeof newUserBody>;

const keyBody = z.object({
  fingerprint: z.string(),
  comment: z.string(),
  publicKey: z.string(),
  createdAtMs: z.number(),
});
export type KeyBody = z.output<typeof keyBody>;

const joinTokenBody = z.object({
  token: z.string(),
  expiresAtMs: z.number(),
  pin: z.string(),
  /** The line to paste on the machine, token included. */
  install: z.string(),
});
export type JoinTokenBody = z.output<typeof joinTokenBody>;

/** Answer to `nodes:rejoin`; the token is shown only once. */
const rejoinTokenBody = z.object({
  node: z.string(),
  token: z.string(),
  expiresAtMs: z.number(),
  pin: z.string(),
  /** Where the machine reaches the controller. */
  url: z.string(),
});
export type RejoinTokenBody = z.output<typeof rejoinTokenBody>;

/** A join or rejoin token that is neither used nor expired. The token itself is never shown again. */
const joinTokenInfoBody = z.object({
  id: z.string(),
  createdBy: z.string(),
  createdAtMs: z.number(),
  expiresAtMs: z.number(),
  labels: textRecord,
  /** The node that may rejoin with it. */
  rejoins: z.string().optional(),
});
export type JoinTokenInfoBody = z.output<typeof joinTokenInfoBody>;

const apiTokenInfoBody = z.object({
  id: z.string(),
  description: z.string(),
  createdAtMs: z.number(),
  expiresAtMs: z.number().optional(),
});
export type ApiTokenInfoBody = z.output<typeof apiTokenInfoBody>;

const MINUTE_MS = 60_000;
const label = z.string().regex(/^[A-Za-z0-9._-]{1,63}$/, 'letters, digits, dots, dashes and underscores, at most 63');
const ttlMs = z
  .number()
  .int()
  .min(MINUTE_MS)
  .max(24 * 60 * MINUTE_MS)
  .default(15 * MINUTE_MS);
const addKeyBody = z.strictObject({ publicKey: z.string().min(1).max(20_000) });

const personSpecs = {
  whoAmI: { method: 'GET', path: '/whoami', summary: 'Show the user that the caller is.', answer: userBody },
  listKeys: { method: 'GET', path: '/keys', summary: 'List the SSH keys of the caller.', answer: list(keyBody) },
  addKey: {
    method: 'POST',
    path: '/keys',
    summary: 'Add an SSH key of the caller.',
    status: 201,
    body: addKeyBody,
    answer: keyBody,
  },
  removeKey: { method: 'DELETE', path: '/keys/:fingerprint', summary: 'Remove an SSH key of the caller.' },
  listTokens: {
    method: 'GET',
    path: '/tokens',
    summary: 'List the API tokens of the caller, without their secrets.',
    answer: list(apiTokenInfoBody),
  },
  removeToken: { method: 'DELETE', path: '/tokens/:id', summary: 'Revoke an API token of the caller.' },
  listUsers: { method: 'GET', path: '/users', summary: 'List all users.', answer: list(userBody) },
  createUser: {
    method: 'POST',
    path: '/users',
    summary: 'Create a user with a first API token.',
    status: 201,
    body: z.strictObject({
      name: z.string().max(100),
      admin: z.boolean().default(false),
      publicKey: z.string().max(20_000).optional(),
    }),
    answer: newUserBody,
  },
  listUserKeys: {
    method: 'GET',
    path: '/users/:name/keys',
    summary: 'List the SSH keys of a user.',
    answer: list(keyBody),
  },
  addUserKey: {
    method: 'POST',
    path: '/users/:name/keys',
    summary: 'Add an SSH key of a user.',
    status: 201,
    body: addKeyBody,
    answer: keyBody,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;

const joinTokenSpecs = {
  createJoinToken: {
    method: 'POST',
    path: '/nodes/tokens',
    summary: 'Create a token with which a machine joins the fleet.',
    status: 201,
    body: z.strictObject({ ttlMs, labels: z.record(label, label).default({}) }),
    answer: joinTokenBody,
  },
  createRejoinToken: {
    method: 'POST',
    path: '/nodes/:node/rejoin',
    summary: 'Create a token with which a node gets a new certificate.',
    status: 201,
    body: z.strictObject({ ttlMs }),
    answer: rejoinTokenBody,
  },
  revokeNode: { method: 'POST', path: '/nodes/:node/revoke', summary: 'Revoke the certificate of a node.' },
  listJoinTokens: {
    method: 'GET',
    path: '/join-tokens',
    summary: 'List the join tokens that can still be used, without their secrets.',
    answer: list(joinTokenInfoBody),
  },
  removeJoinToken: { method: 'DELETE', path: '/join-tokens/:id', summary: 'Revoke a join token.' },
} as const satisfies Readonly<Record<string, RouteSpec>>;

export const identitySpecs = { ...personSpecs, ...joinTokenSpecs };
