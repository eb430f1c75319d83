import type { SessionBody } from '../../shared/api/attach.ts';
import { listedOwner } from '../access/policy.ts';
import type { AttachmentRow } from '../observe/open-attachments.ts';
import type { User } from '../domain/users.ts';
import type { ApiDeps } from './deps.ts';

/** The sessions in instances of apps that the user may see. */
export function sessionsSeenBy({ attachments }: Pick<ApiDeps, 'attachments'>, user: User): readonly AttachmentRow[] {
  const ownerId = listedOwner(user);
  return attachments.list().filter((row) => ownerId === undefined || row.ownerId === ownerId);
}

function viewSession({ app, instance, release, node, user, purpose, openedAtMs }: AttachmentRow): SessionBody {
  return { app, instance, release, node, user, purpose, openedAtMs };
}

/** A field of a body. Absent: there are none. */
export function sessionsField(rows: readonly AttachmentRow[]): { readonly sessions?: readonly SessionBody[] } {
  return rows.length === 0 ? {} : { sessions: rows.map(viewSession) };
}
