import { parseUserName } from '../../../shared/domain/names.ts';
import type { QuotaChanges } from '../../../shared/api/quotas.ts';
import type { Sensitive } from '../../../shared/kit/sensitive.ts';
import { keyTaken, parsePublicKey } from '../../access/ssh-keys.ts';
import { newApiToken } from '../../access/tokens.ts';
import type { SshKey, User } from '../../domain/users.ts';
import type { UserQuotas } from '../../domain/quotas.ts';
import { notFound } from '../api-errors.ts';
import type { ApiDeps } from '../deps.ts';
import { requireAgentsFor } from '../older-agents.ts';

/** @throws SLIP_NOT_FOUND, SLIP_NAME_USER */
export async function findUser({ store }: Pick<ApiDeps, 'store'>, name: string): Promise<User> {
  const user = await store.userByName(parseUserName(name));
  if (user === undefined) throw notFound('user');
  return user;
}

export interface NewUser {
  readonly name: string;
  readonly admin: boolean;
  readonly publicKey?: string | undefined;
}

/** Creates a user with a first API token. */
export async function createUser(
  { store, log }: Pick<ApiDeps, 'store' | 'log'>,
  { wanted, by }: { readonly wanted: NewUser; readonly by: User },
): Promise<{ readonly user: User; readonly token: Sensitive }> {
  const name = parseUserName(wanted.name);
  // Everything is checked before anything is stored.
  const key = wanted.publicKey === undefined ? undefined : parsePublicKey(wanted.publicKey);
  if (key !== undefined && (await store.userByFingerprint(key.fingerprint)) !== undefined) throw keyTaken();
  const user = await store.createUser({ name, admin: wanted.admin, by: by.name });
  if (key !== undefined) await store.addKey({ ...key, userId: user.id, by: by.name });
  const token = newApiToken();
  await store.addToken({ userId: user.id, secretHash: token.secretHash, description: 'first token', by: by.name });
  log.info({ user: user.name, admin: user.admin, by: by.name }, 'user.created');
  return { user, token: token.secret };
}

/** `by` is an administrator who adds the key for the user. */
export function addKey(
  { store }: Pick<ApiDeps, 'store'>,
  { user, publicKey, by }: { readonly user: User; readonly publicKey: string; readonly by?: User },
): Promise<SshKey> {
  return store.addKey({ ...parsePublicKey(publicKey), userId: user.id, ...(by === undefined ? {} : { by: by.name }) });
}

export async function changeQuotas(
  { store, fleet, log }: Pick<ApiDeps, 'store' | 'fleet' | 'log'>,
  { user, changes, by }: { readonly user: User; readonly changes: QuotaChanges; readonly by: User },
): Promise<UserQuotas> {
  if (typeof changes.domainsPerApp === 'number') requireAgentsFor(changes.domainsPerApp, fleet.nodes());
  const quotas = await store.setQuotas(user.id, changes, by.name);
  log.info({ user: user.name, by: by.name, changes }, 'user.quotas_changed');
  return quotas;
}
