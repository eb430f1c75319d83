import type { NodeId } from '../../../shared/domain/ids.ts';
import type { InstanceState } from '../../../shared/domain/instance.ts';
import { parseNodeName } from '../../../shared/domain/names.ts';
import { parseLabelName, parseLabelValue } from '../../../shared/domain/placement.ts';
import type { AttachmentRow } from '../../observe/open-attachments.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { AssignmentRow } from '../../domain/assignments.ts';
import type { CommandRow } from '../../domain/commands.ts';
import type { NodeRow } from '../../domain/nodes.ts';
import { listedOwner } from '../../access/policy.ts';
import type { User } from '../../domain/users.ts';
import type { App } from '../../domain/apps.ts';
import type { LiveNode } from '../../dispatch/port.ts';
import { notFound } from '../api-errors.ts';
import type { ApiDeps } from '../deps.ts';
import { revokeNode } from '../revoke-node.ts';
import { commandsOnNode } from '../running-commands.ts';
import { sessionsSeenBy } from '../sessions.ts';

/** @throws SLIP_NOT_FOUND, SLIP_NAME_NODE */
export async function findNode({ store }: Pick<ApiDeps, 'store'>, name: string): Promise<NodeRow> {
  const node = await store.nodeByName(parseNodeName(name));
  if (node === undefined) throw notFound('node');
  return node;
}

type Labels = Readonly<Record<string, string | null>>;

/** `null` removes a label. @throws SLIP_NAME_LABEL */
export function labelNode(
  { movement }: Pick<ApiDeps, 'movement'>,
  { node, labels, user }: { readonly node: NodeRow; readonly labels: Labels; readonly user: User },
): Promise<NodeRow> {
  for (const [name, value] of Object.entries(labels)) {
    parseLabelName(name);
    if (value !== null) parseLabelValue(value);
  }
  return movement.nodes.label(node, labels, user.name);
}

/** Without `force`, a node with instances stays. */
export async function removeNode(
  deps: Pick<ApiDeps, 'movement' | 'store' | 'fleet' | 'endSessions' | 'connections' | 'log' | 'automaticCertificates'>,
  { node, force, user }: { readonly node: NodeRow; readonly force: boolean; readonly user: User },
): Promise<void> {
  await deps.movement.nodes.remove(node, force, user.name);
  await revokeNode(deps, node, user.name);
}

export type LostAfter = number | 'never';

export interface LostAfterSetting {
  /** Absent: the default. */
  readonly lostAfterMs: LostAfter | undefined;
  readonly defaultMs: number;
}

/** `null`: the default again. */
export async function setLostAfter(
  { store, movement, log }: Pick<ApiDeps, 'store' | 'movement' | 'log'>,
  { app, user, value }: { readonly app: App; readonly user: User; readonly value: LostAfter | null },
): Promise<LostAfterSetting> {
  const lostAfterMs = value ?? undefined;
  await store.setLostAfter(app.id, lostAfterMs);
  movement.wake(app.id);
  log.info({ app: app.name, by: user.name, lostAfterMs: String(lostAfterMs) }, 'app.lost_after_changed');
  noteEvent(
    { store, log },
    {
      kind: 'app.lost-after',
      actor: user.name,
      app: app.name,
      next: `slipway apps:lost-after -a ${app.name}`,
      message: sayLostAfter(lostAfterMs, movement.lostAfterMs),
    },
  );
  return { lostAfterMs, defaultMs: movement.lostAfterMs };
}

function sayLostAfter(lostAfterMs: number | 'never' | undefined, defaultMs: number): string {
  if (lostAfterMs === 'never') return 'Instances stay on their node, no matter how long it is silent.';
  const seconds = String(Math.round((lostAfterMs ?? defaultMs) / 1000));
  return `Instances are started elsewhere when their node has been silent for ${seconds} s.`;
}

/** An instance on a node. */
export interface PlacedInstance {
  readonly row: AssignmentRow;
  readonly app: string;
  /** `unknown` while its node is not connected. */
  readonly state: InstanceState | 'unknown';
  /** The node on which its copy runs or starts. */
  readonly movingTo: string | undefined;
  /** Why it must leave the node and cannot. */
  readonly waits: string | undefined;
}

export interface NodeDescription {
  readonly node: NodeRow;
  readonly live: LiveNode | undefined;
  readonly placed: readonly PlacedInstance[];
  readonly commands: readonly CommandRow[];
  readonly sessions: readonly AttachmentRow[];
}

/** The caller sees only instances and commands of apps that the caller may read. */
export async function describeNode(deps: ApiDeps, node: NodeRow, user: User): Promise<NodeDescription> {
  const { store, fleet } = deps;
  const ownerId = listedOwner(user);
  const mine = (await store.deployedApps()).filter((app) => ownerId === undefined || app.ownerId === ownerId);
  const apps = new Map(mine.map((app) => [app.id, app.name as string]));
  const rows = (await store.assignmentsOfNode(node.id)).filter((row) => apps.has(row.appId));
  const copies = await store.copyNodes(rows.map((row) => row.instanceId));
  const placed = rows.map((row) =>
    placedInstance(deps, row, { app: apps.get(row.appId) ?? '', copyNode: copies.get(row.instanceId) }),
  );
  const sessions = sessionsSeenBy(deps, user).filter(({ nodeId }) => nodeId === node.id);
  return { node, live: fleet.node(node.id), placed, sessions, commands: await commandsOnNode(deps, node.id, user) };
}

function placedInstance(
  { fleet, movement }: ApiDeps,
  row: AssignmentRow,
  { app, copyNode }: { readonly app: string; readonly copyNode: NodeId | undefined },
): PlacedInstance {
  const connected = fleet.node(row.nodeId)?.connected === true;
  return {
    ...{ row, app },
    state: connected ? (fleet.status(row.instanceId)?.state ?? 'pending') : 'unknown',
    movingTo: copyNode === undefined ? undefined : fleet.node(copyNode)?.name,
    waits: movement.blockedBecause(row.instanceId),
  };
}
