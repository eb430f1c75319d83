import type { Store } from '../store/port.ts';
import type { UserId } from '../../shared/domain/ids.ts';

/** Names of the users that an answer mentions, in one query. */
export async function userNames(
  store: Pick<Store, 'userNames'>,
  ids: readonly UserId[],
): Promise<(id: UserId) => string> {
  const names = await store.userNames([...new Set(ids)]);
  return (id) => names.get(id) ?? 'unknown';
}
