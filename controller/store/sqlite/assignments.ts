import { sql } from 'kysely';
import type { InstanceId, NodeId } from '../../../shared/domain/ids.ts';
import type { AssignmentChange, AssignmentRow, PromisedMemory } from '../../domain/assignments.ts';
import type { Store } from '../port.ts';
import { unlessTaken, type RepositoryDeps } from './repository.ts';
import { assignmentRow, parseRows, promiseRow } from './rows.ts';
import type { Tx } from './schema.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';

type Assignments = Pick<
  Store,
  'changeAssignments' | 'assignmentsOfNode' | 'assignmentsOfApp' | 'allAssignments' | 'promisedMemory' | 'touchNode'
>;

export function createAssignments({ inTransaction }: RepositoryDeps): Assignments {
  return {
    changeAssignments: (change) => inTransaction((tx) => applyAssignmentChange(tx, change)),
    assignmentsOfNode: (id) =>
      inTransaction(async (tx) => parseRows(assignmentRow, await inOrder(tx).where('nodeId', '=', id).execute())),
    assignmentsOfApp: (id) =>
      inTransaction(async (tx) => parseRows(assignmentRow, await inOrder(tx).where('appId', '=', id).execute())),
    allAssignments: () => inTransaction(async (tx) => parseRows(assignmentRow, await inOrder(tx).execute())),
    promisedMemory: () =>
      inTransaction(async (tx) => {
        const rows = parseRows(promiseRow, await tx.selectFrom('nodePromises').selectAll().execute());
        return withCommands(new Map(rows.map(({ nodeId, ...promised }) => [nodeId, promised])), await ofCommands(tx));
      }),
    touchNode: (id) => inTransaction((tx) => raiseGenerations(tx, new Set([id]))),
  };
}

/** Memory of running commands. There are few, so no trigger keeps their sums. */
async function ofCommands(tx: Tx): Promise<readonly { readonly nodeId: NodeId; readonly memoryBytes: number }[]> {
  const rows = sql`select tasks.node_id, sum(commands.memory_bytes) as memory_bytes, 0 as leaving_bytes from tasks
    join commands on commands.task_id = tasks.id where tasks.state in ('pending', 'running') group by tasks.node_id`;
  return parseRows(promiseRow, (await rows.execute(tx)).rows);
}

function withCommands(
  promised: ReadonlyMap<NodeId, PromisedMemory>,
  commands: readonly { readonly nodeId: NodeId; readonly memoryBytes: number }[],
): ReadonlyMap<NodeId, PromisedMemory> {
  const all = new Map(promised);
  for (const { nodeId, memoryBytes } of commands) {
    const { memoryBytes: before, leavingBytes } = all.get(nodeId) ?? { memoryBytes: 0, leavingBytes: 0 };
    all.set(nodeId, { memoryBytes: before + memoryBytes, leavingBytes });
  }
  return all;
}

/**
 * Part of a caller's transaction. The generation of each changed node grows by one, however many of its rows change.
 * Instances that do not exist any more are skipped.
 */
export async function applyAssignmentChange(tx: Tx, change: AssignmentChange): Promise<void> {
  const touched = new Set<string>(change.add.map((row) => row.nodeId));
  const mentioned = [...change.setDesired.map((entry) => entry.instanceId), ...change.remove];
  for (const nodeId of await nodesOf(tx, mentioned)) touched.add(nodeId);
  for (const row of change.add) await insert(tx, row);
  for (const { instanceId, desired } of change.setDesired) {
    await tx.updateTable('assignments').set({ desired }).where('instanceId', '=', instanceId).execute();
  }
  for (const instanceId of change.remove)
    await tx.deleteFrom('assignments').where('instanceId', '=', instanceId).execute();
  await raiseGenerations(tx, touched);
}

async function nodesOf(tx: Tx, instanceIds: readonly InstanceId[]): Promise<ReadonlySet<string>> {
  const nodeIds = new Set<string>();
  for (const instanceId of instanceIds) {
    const row = await tx
      .selectFrom('assignments')
      .select('nodeId')
      .where('instanceId', '=', instanceId)
      .executeTakeFirst();
    if (row !== undefined) nodeIds.add(row.nodeId);
  }
  return nodeIds;
}

async function insert(tx: Tx, row: AssignmentRow): Promise<void> {
  const { instanceId, nodeId, appId, release, processType, ordinal, desired, createdAtMs } = row;
  const move = { replaces: row.replaces ?? null, moveReason: row.moveReason ?? null };
  const values = {
    ...{ instanceId, nodeId, appId, release, processType, ordinal, desired, createdAtMs },
    ...{ limits: JSON.stringify(row.limits), ...move },
  };
  await unlessTaken(tx.insertInto('assignments').values(values).execute(), () => instanceReused(instanceId));
}

export async function raiseGenerations(tx: Tx, nodeIds: ReadonlySet<NodeId | string>): Promise<void> {
  for (const nodeId of nodeIds) {
    await tx
      .updateTable('nodes')
      .set((eb) => ({ generation: eb('generation', '+', 1) }))
      .where('id', '=', nodeId)
      .execute();
  }
}

function inOrder(tx: Tx) {
  return tx
    .selectFrom('assignments')
    .selectAll()
    .orderBy('appId')
    .orderBy('release')
    .orderBy('processType')
    .orderBy('ordinal')
    .orderBy('instanceId');
}

function instanceReused(instanceId: InstanceId): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_STORE_INSTANCE_REUSED',
    kind: 'bug',
    message: `The instance id ${instanceId} was used before.`,
  });
}
