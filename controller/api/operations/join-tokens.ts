import type { Sensitive } from '../../../shared/kit/sensitive.ts';
import { newJoinToken } from '../../access/tokens.ts';
import type { NodeRow } from '../../domain/nodes.ts';
import type { User } from '../../domain/users.ts';
import type { ApiDeps } from '../deps.ts';
import { rejoinConnected } from './joining.ts';

type Deps = Pick<ApiDeps, 'store' | 'clock' | 'log'>;

export interface NewJoinToken {
  readonly secret: Sensitive;
  readonly expiresAtMs: number;
}

/** Labels are those of the node that joins with the token. */
export async function createJoinToken(
  { store, clock, log }: Deps,
  {
    ttlMs,
    labels,
    by,
  }: { readonly ttlMs: number; readonly labels: Readonly<Record<string, string>>; readonly by: User },
): Promise<NewJoinToken> {
  const token = newJoinToken();
  const expiresAtMs = clock.nowMs() + ttlMs;
  await store.addJoinToken({ secretHash: token.secretHash, labels, expiresAtMs, by: by.name });
  log.info({ by: by.name, expiresAtMs }, 'join_token.created');
  return { secret: token.secret, expiresAtMs };
}

/** @throws SLIP_REJOIN_CONNECTED while the node has a session */
export async function createRejoinToken(
  { store, fleet, clock, log }: Deps & Pick<ApiDeps, 'fleet'>,
  { node, ttlMs, by }: { readonly node: NodeRow; readonly ttlMs: number; readonly by: User },
): Promise<NewJoinToken> {
  if (fleet.node(node.id)?.connected === true) throw rejoinConnected(node.name);
  const token = newJoinToken();
  const expiresAtMs = clock.nowMs() + ttlMs;
  await store.addJoinToken({
    secretHash: token.secretHash,
    labels: {},
    expiresAtMs,
    by: by.name,
    rejoins: node.id,
  });
  log.info({ node: node.name, by: by.name, expiresAtMs }, 'rejoin_token.created');
  return { secret: token.secret, expiresAtMs };
}
