import { isRouted } from '../../shared/domain/assignment.ts';
import { HOSTNAMES_MAX, type FleetApp, type MeshPeer } from '../../shared/domain/fleet-routes.ts';
import type { InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { InstanceState } from '../../shared/domain/instance.ts';
import type { NodeState } from '../../shared/domain/states.ts';
import type { RoutedApp } from '../domain/domains.ts';
import type { RunningRow } from '../domain/assignments.ts';
import type { TableLine } from './fit-table.ts';

// Rows and reports → the fleet's route table. Pure, and the same for the same input in any order.

/** What the table is made of beside the rows. */
export interface TableView {
  /** The state an instance was last reported in; absent when it was not in this life of the controller. */
  readonly stateOf: (instance: InstanceId) => InstanceState | undefined;
  readonly nodeState: (node: NodeId) => NodeState | undefined;
  /** About to lose their place: counted only where nobody else serves. */
  readonly leaving: ReadonlySet<InstanceId>;
  /** Apps answer under `<app>.<baseDomain>`. */
  readonly baseDomain: string;
}

/** The line of an app, with its age. */
export function tableLines(app: RoutedApp, rows: readonly RunningRow[], view: TableView): readonly TableLine[] {
  const entry = tableEntry(app, rows, view);
  return entry === undefined ? [] : [{ entry, createdAtMs: app.createdAtMs }];
}

/** An app's line of the table; `undefined` where it has never been deployed. */
export function tableEntry(app: RoutedApp, rows: readonly RunningRow[], view: TableView): FleetApp | undefined {
  const wanted = rows.filter((row) => isRouted(row) && row.desired === 'run');
  if (app.release === undefined && wanted.length === 0) return undefined;
  const serving = preferred(servingOf(app, wanted, view), (row) => !view.leaving.has(row.instanceId));
  const nodes = preferred([...new Set(serving.map((row) => row.nodeId))], (node) => view.nodeState(node) === 'ready');
  return {
    appId: app.appId,
    app: app.app,
    hostnames: [...new Set([`${app.app}.${view.baseDomain}`, ...app.domains])].slice(0, HOSTNAMES_MAX).sort(),
    nodeIds: nodes.filter((node) => isMember(view.nodeState(node))).sort(),
  };
}

/** A revoked node stays a member, but no other node sends requests to it, because its certificate is not accepted any more. */
export function peerOf(node: {
  readonly id: NodeId;
  readonly name: string;
  readonly revoked: boolean;
  readonly facts: { readonly meshAddress?: string | undefined };
}): MeshPeer {
  const reached = node.revoked ? '' : (node.facts.meshAddress ?? '');
  const [, address = '', port = '0'] = /^(\d+\.\d+\.\d+\.\d+):(\d+)$/.exec(reached) ?? [];
  return { nodeId: node.id, name: node.name, address, port: Number(port) };
}

/**
 * Live ones. Where nothing was reported yet (this controller has just started) the instances of the current release
 * count, and if there are none, all that should run: what served a moment ago most likely still does.
 */
function servingOf(app: RoutedApp, wanted: readonly RunningRow[], view: TableView): readonly RunningRow[] {
  const unknown = wanted.filter((row) => view.stateOf(row.instanceId) === undefined);
  const live = wanted.filter((row) => view.stateOf(row.instanceId) === 'live');
  const likely = [...live, ...unknown.filter((row) => row.release === app.release)];
  return likely.length > 0 ? likely : unknown;
}

/** Those that fit, or all where none does. */
function preferred<T>(all: readonly T[], fits: (one: T) => boolean): readonly T[] {
  const best = all.filter(fits);
  return best.length > 0 ? best : all;
}

function isMember(state: NodeState | undefined): boolean {
  return state !== undefined && state !== 'removed';
}
