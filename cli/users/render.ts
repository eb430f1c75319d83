import type { UserBody } from '../../shared/api/identity.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderTable } from '../terminal/table.ts';
import { renderTime } from '../terminal/time.ts';

export function renderUsers(users: readonly UserBody[], paint: Paint): string {
  return `=== ${paint.bold('Users')}\n${renderTable(users.map((user) => [user.name, user.admin ? 'admin' : '', renderTime(user.createdAtMs)]))}`;
}
