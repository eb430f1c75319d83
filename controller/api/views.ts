import type { LiveNode } from '../dispatch/port.ts';
import type { App } from '../domain/apps.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { Build } from '../domain/builds.ts';
import type { NodeRow } from '../domain/nodes.ts';
import type { SshKey, User } from '../domain/users.ts';
import type { ReleaseLine } from '../domain/releases.ts';
import type { AppBody } from '../../shared/api/apps.ts';
import type { BuildBody } from '../../shared/api/builds.ts';
import type { InstanceBody } from '../../shared/api/formation.ts';
import type { KeyBody, UserBody } from '../../shared/api/identity.ts';
import type { NodeBody } from '../../shared/api/nodes.ts';
import type { ReleaseBody } from '../../shared/api/releases.ts';
import type { ProblemBody } from '../../shared/api/schema.ts';
import { instanceName } from '../../shared/domain/assignment.ts';
import { crashLoopOf } from '../../shared/domain/crash-loop.ts';
import type { InstanceStatus } from '../../shared/domain/instance.ts';
import { shownFacts } from '../../shared/domain/node-facts.ts';
import type { ApiConfig, LookDeps } from './deps.ts';
import { refusedReason } from './route-problems.ts';

/** Rows and reports as bodies of the API. Pure. A secret passes only if the type of the body has it. */

export function viewUser(user: User): UserBody {
  return { name: user.name, admin: user.admin, createdAtMs: user.createdAtMs };
}

export function viewKey(key: SshKey): KeyBody {
  const { fingerprint, comment, publicKey, createdAtMs } = key;
  return { fingerprint, comment, publicKey, createdAtMs };
}

export function viewApp(app: App, owner: string, config: ApiConfig): AppBody {
  const { name, stack, createdAtMs, stopped, lock, maintenance } = app;
  return {
    name,
    owner,
    stack,
    createdAtMs,
    stopped,
    lock,
    maintenance,
    webUrl: config.webUrl(name),
    gitUrl: config.gitUrl(name),
  };
}

export function viewRelease(release: ReleaseLine, user: string): ReleaseBody {
  const { version, state, description, commit, cause, sourceVersion, pinned, createdAtMs, failure } = release;
  return { version, state, description, user, commit, cause, sourceVersion, pinned, createdAtMs, failure };
}

export function viewBuild(build: Build, user: string): BuildBody {
  const { id, state, commit, createdAtMs, finishedAtMs, failure } = build;
  const timingsMs = Object.fromEntries(Object.entries(build.timingsMs).map(([stage, ms]) => [stage, Math.round(ms)]));
  return { id, state, commit, user, createdAtMs, finishedAtMs, failure, timingsMs };
}

export interface InstanceFacts {
  readonly row: AssignmentRow;
  readonly node: LiveNode | undefined;
  readonly nodeName: string;
  readonly status: InstanceStatus | undefined;
  readonly command: string;
  readonly nowMs: number;
}

export function viewInstance({ row, node, nodeName, status, command, nowMs }: InstanceFacts): InstanceBody {
  return {
    name: instanceName(row),
    type: row.processType,
    release: row.release,
    node: nodeName,
    command,
    desired: row.desired,
    startedAtMs: status?.startedAtMs,
    restarts: status?.restarts ?? 0,
    lastExit: status?.lastExit,
    reason: status?.reason,
    ...viewState(status, node?.connected === true, nowMs),
  };
}

/** After a disconnect, the last report may be out of date. */
function viewState(
  status: InstanceStatus | undefined,
  connected: boolean,
  nowMs: number,
): Pick<InstanceBody, 'state' | 'nextStartAtMs' | 'crashLoop' | 'ready'> {
  if (!connected) return { state: 'unknown' };
  if (status === undefined) return { state: 'pending' };
  const { state, nextStartAtMs, ready } = status;
  return { state, nextStartAtMs, crashLoop: crashLoopOf(status, nowMs), ...(ready === undefined ? {} : { ready }) };
}

function viewMismatch({ versionMismatch: mismatch }: LiveNode): ProblemBody | undefined {
  return mismatch === undefined ? undefined : { message: mismatch.message, next: mismatch.hint ?? 'slipway nodes' };
}

type NodeLookDeps = Pick<LookDeps, 'builderPool' | 'fleet' | 'clock'>;

export function viewNode(
  row: NodeRow,
  live: LiveNode | undefined,
  { builderPool, fleet, clock }: NodeLookDeps,
): NodeBody {
  const { name, state, labels, joinedAtMs, cordoned } = row;
  const [draining, lost] = [row.drainUntilMs !== undefined, row.lostAtMs !== undefined];
  const durable = { name, state, labels, joinedAtMs, cordoned, draining, lost };
  if (live === undefined) return { ...durable, connected: false, missing: [] };
  return {
    ...durable,
    connected: live.connected,
    lastSeenMsAgo:
      live.lastSeenAtMs === undefined ? undefined : Math.max(0, Math.round(clock.monotonicMs() - live.lastSeenAtMs)),
    builder: live.builder && builderPool.whyNot({ ...live, cordoned }) === undefined,
    ...shownFacts.parse(live),
    platform: live.platform,
    versionTrouble: viewMismatch(live),
    unreadableRequests: live.unreadableRequests,
    refusal: refusedReason(live),
    memoryFreeBytes: live.memoryFreeBytes,
    // After a disconnect, the last report may be out of date.
    instances: live.connected
      ? fleet.statusesOn(live.nodeId).filter(({ state }) => state === 'live').length
      : undefined,
    load1: live.load1,
    missing: live.missing,
    trouble: live.failure,
  };
}
