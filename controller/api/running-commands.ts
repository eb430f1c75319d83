import type { RunningCommandBody } from '../../shared/api/runs.ts';
import type { NodeId } from '../../shared/domain/ids.ts';
import { listedOwner } from '../access/policy.ts';
import type { CommandRow } from '../domain/commands.ts';
import type { User } from '../domain/users.ts';
import type { ApiDeps } from './deps.ts';

/** The one-off commands on a node that run now, of apps that the user may see. */
export async function commandsOnNode(
  { store }: Pick<ApiDeps, 'store'>,
  nodeId: NodeId,
  user: User,
): Promise<readonly CommandRow[]> {
  const rows = (await store.unfinishedCommands()).filter((row) => row.nodeId === nodeId);
  const ownerId = listedOwner(user);
  if (ownerId === undefined || rows.length === 0) return rows;
  const mine = new Set((await store.deployedApps()).flatMap((app) => (app.ownerId === ownerId ? [app.id] : [])));
  return rows.filter(({ appId }) => mine.has(appId));
}

export function viewRunningCommand(row: CommandRow, node: string): RunningCommandBody {
  const { app, process, kind, release, startedAtMs, cancelled } = row;
  return { app, name: process, kind, release, node, startedAtMs, ...(cancelled ? { stopping: true } : {}) };
}
