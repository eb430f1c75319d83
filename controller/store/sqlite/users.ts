import { keyTaken } from '../../access/ssh-keys.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { Store } from '../port.ts';
import { insertEvent, userActor } from './events.ts';
import { requireQuota } from './quotas.ts';
import { unlessTaken, type RepositoryDeps } from './repository.ts';
import { apiTokenRow, parseRow, parseRowIfAny, parseRows, sshKeyRow, userRow } from './rows.ts';

type Users = Pick<Store, 'createUser' | 'userById' | 'userByName' | 'users'>;
type Keys = Pick<Store, 'userByFingerprint' | 'addKey' | 'keysOf' | 'removeKey'>;
type Tokens = Pick<Store, 'addToken' | 'userByTokenHash' | 'apiTokensOf' | 'removeApiToken'>;

export function createUsers({ inTransaction, clock, randomId }: RepositoryDeps): Users {
  return {
    createUser: ({ name, admin, by }) =>
      inTransaction(async (tx) => {
        const row = { id: randomId(), name, admin: admin ? 1 : 0, createdAtMs: clock.nowMs() };
        await unlessTaken(tx.insertInto('users').values(row).execute(), () => userExists(name));
        const message = `User ${name} was added${admin ? ' as an admin' : ''}.`;
        await insertEvent(tx, clock, {
          kind: 'user.created',
          actor: by ?? 'controller',
          message,
          next: 'slipway users',
        });
        return parseRow(userRow, row);
      }),
    userById: (id) =>
      inTransaction(async (tx) => {
        return parseRowIfAny(userRow, await tx.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst());
      }),
    userByName: (name) =>
      inTransaction(async (tx) => {
        return parseRowIfAny(
          userRow,
          await tx.selectFrom('users').selectAll().where('name', '=', name).executeTakeFirst(),
        );
      }),
    users: () =>
      inTransaction(async (tx) => {
        return parseRows(userRow, await tx.selectFrom('users').selectAll().orderBy('name').execute());
      }),
  };
}

export function createKeys({ inTransaction, clock, quotas }: RepositoryDeps): Keys {
  return {
    userByFingerprint: (fingerprint) =>
      inTransaction(async (tx) => {
        const row = await tx
          .selectFrom('sshKeys')
          .innerJoin('users', 'users.id', 'sshKeys.userId')
          .selectAll('users')
          .where('sshKeys.fingerprint', '=', fingerprint)
          .executeTakeFirst();
        return parseRowIfAny(userRow, row);
      }),
    addKey: ({ fingerprint, userId, publicKey, comment, by }) =>
      inTransaction(async (tx) => {
        await requireQuota(tx, quotas, { userId, name: 'keys' });
        const row = { fingerprint, userId, publicKey, comment, createdAtMs: clock.nowMs() };
        await unlessTaken(tx.insertInto('sshKeys').values(row).execute(), keyTaken);
        const owner = await userActor(tx, userId);
        const message = `The SSH key ${fingerprint} was added to user ${owner}.`;
        await insertEvent(tx, clock, { kind: 'key.added', actor: by ?? owner, message });
        return parseRow(sshKeyRow, row);
      }),
    keysOf: (userId) =>
      inTransaction(async (tx) => {
        const rows = await tx
          .selectFrom('sshKeys')
          .selectAll()
          .where('userId', '=', userId)
          .orderBy('createdAtMs')
          .execute();
        return parseRows(sshKeyRow, rows);
      }),
    removeKey: (userId, fingerprint) =>
      inTransaction(async (tx) => {
        const query = tx.deleteFrom('sshKeys').where('userId', '=', userId).where('fingerprint', '=', fingerprint);
        if ((await query.executeTakeFirst()).numDeletedRows === 0n) return false;
        const owner = await userActor(tx, userId);
        const message = `The SSH key ${fingerprint} was removed from user ${owner}.`;
        await insertEvent(tx, clock, { kind: 'key.removed', actor: owner, message });
        return true;
      }),
  };
}

export function createTokens({ inTransaction, clock, randomId, quotas }: RepositoryDeps): Tokens {
  return {
    addToken: ({ userId, secretHash, description, expiresAtMs, by }) =>
      inTransaction(async (tx) => {
        await requireQuota(tx, quotas, { userId, name: 'tokens' });
        const row = {
          id: randomId(),
          userId,
          description,
          createdAtMs: clock.nowMs(),
          expiresAtMs: expiresAtMs ?? null,
        };
        await tx
          .insertInto('apiTokens')
          .values({ ...row, secretHash })
          .execute();
        const owner = await userActor(tx, userId);
        const message = `User ${owner} got an API token (${description}).`;
        await insertEvent(tx, clock, { kind: 'token.created', actor: by ?? owner, message });
        return parseRow(apiTokenRow, row);
      }),
    userByTokenHash: (secretHash, nowMs) =>
      inTransaction(async (tx) => {
        const row = await tx
          .selectFrom('apiTokens')
          .innerJoin('users', 'users.id', 'apiTokens.userId')
          .selectAll('users')
          .where('apiTokens.secretHash', '=', secretHash)
          .where((or) => or.or([or('apiTokens.expiresAtMs', 'is', null), or('apiTokens.expiresAtMs', '>', nowMs)]))
          .executeTakeFirst();
        return parseRowIfAny(userRow, row);
      }),
    apiTokensOf: (userId) =>
      inTransaction(async (tx) => {
        const rows = await tx
          .selectFrom('apiTokens')
          .selectAll()
          .where('userId', '=', userId)
          .orderBy('createdAtMs')
          .execute();
        return parseRows(apiTokenRow, rows);
      }),
    removeApiToken: (userId, id) =>
      inTransaction(async (tx) => {
        const query = tx.deleteFrom('apiTokens').where('userId', '=', userId).where('id', '=', id);
        if ((await query.executeTakeFirst()).numDeletedRows === 0n) return false;
        const owner = await userActor(tx, userId);
        await insertEvent(tx, clock, {
          kind: 'token.revoked',
          actor: owner,
          message: `User ${owner} revoked the API token ${id}.`,
        });
        return true;
      }),
  };
}

function userExists(name: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_USER_EXISTS',
    kind: 'conflict',
    message: `A user named ${name} already exists.`,
    hint: 'Choose another name, or add a key to that user.',
  });
}
