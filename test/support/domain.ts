import { DEFAULT_LIMITS, type Assignment, type DesiredState } from '../../shared/domain/assignment.ts';
import type { AppId, InstanceId, NodeId } from '../../shared/domain/ids.ts';
import { parseAppName, parseProcessType } from '../../shared/domain/names.ts';
import type { AssignmentRow } from '../../controller/domain/assignments.ts';

/** An assignment of v1 of `shop`, by default web.1. */
export function anAssignment(over: Partial<Omit<Assignment, 'instanceId'>> & { instanceId?: string } = {}): Assignment {
  const { instanceId, ...rest } = over;
  return {
    instanceId: (instanceId ?? 'instance0001') as InstanceId,
    appId: 'app00001' as AppId,
    app: parseAppName('shop'),
    uidBase: 0x20000000,
    release: 1,
    processType: parseProcessType('web'),
    ordinal: 1,
    command: 'node server.js',
    layers: [],
    stack: 'host',
    config: {},
    limits: DEFAULT_LIMITS,
    desired: 'run',
    commit: 'a'.repeat(40),
    ...rest,
  };
}

export function aDesiredState(assignments: readonly Assignment[], generation = 1): DesiredState {
  const apps = [...new Set(assignments.map((assignment) => assignment.app))];
  return {
    epoch: { counter: 1, id: 'epoch' },
    generation,
    assignments,
    routes: apps.map((app) => ({ hostname: `${app}.localhost`, appId: 'app00001' as AppId, app })),
    massStopReason: '',
  };
}

/** A row of v1 of the app on node n1, by default web.1. */
export function aRow(
  over: Partial<Omit<AssignmentRow, 'instanceId' | 'nodeId'>> & { instanceId?: string; nodeId?: string } = {},
): AssignmentRow {
  const { instanceId, nodeId, ...rest } = over;
  return {
    instanceId: (instanceId ?? 'instance0001') as InstanceId,
    nodeId: (nodeId ?? 'node0001') as NodeId,
    appId: 'app00001' as AppId,
    release: 1,
    processType: parseProcessType('web'),
    ordinal: 1,
    limits: DEFAULT_LIMITS,
    desired: 'run',
    createdAtMs: 0,
    ...rest,
  };
}
