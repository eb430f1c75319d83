import type { Store } from '../store/port.ts';
import type { UserId } from '../../shared/domain/ids.ts';

/** Names of users, each looked up once for an answer that mentions them often. */
export function userNames(store: Store): (id: UserId) => Promise<string> {
  const names = new Map<UserId, Promise<string>>();
  return (id) => {
    const known = names.get(id) ?? store.userById(id).then((user) => user?.name ?? 'unknown');
    names.set(id, known);
    return known;
  };
}
