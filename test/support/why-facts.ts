import assert from 'node:assert/strict';
import { COMMANDS } from '../../cli/command-table.ts';
import type { AppWhyFacts, InstanceFact, NodeFact, ReleaseFact } from '../../controller/observe/why/facts.ts';
import { noRoom } from '../../controller/assignments/instance-failure.ts';
import type { WhyBody } from '../../shared/api/observe.ts';
import { parseProcessType } from '../../shared/domain/names.ts';
import { DEFAULT_LIMITS } from '../../shared/domain/assignment.ts';
import type { InstanceId } from '../../shared/domain/ids.ts';
import type { InstanceStatus } from '../../shared/domain/instance.ts';

export const WHY_NOW = Date.UTC(2026, 10, 20, 14, 30, 0);

export function nodeFact(change: Partial<NodeFact> = {}): NodeFact {
  return {
    ...{ name: 'fra-1', state: 'ready', connected: true, cordoned: false, draining: false, lost: false, held: false },
    ...{ diskFreeBytes: 50e9, missing: [], commands: [], instances: 1 },
    ...change,
  };
}

export function releaseFact(change: Partial<ReleaseFact> = {}): ReleaseFact {
  return {
    version: 3,
    state: 'current',
    description: 'Deploy abc1234',
    user: 'ada',
    createdAtMs: WHY_NOW - 600_000,
    ...change,
  };
}

export function failedRelease(code: string, message: string): ReleaseFact {
  return releaseFact({ version: 4, state: 'failed', createdAtMs: WHY_NOW - 60_000, failure: { code, message } });
}

/** An instance and what its agent says of it. */
export function instanceFact(status: Partial<InstanceStatus> = {}, change: Partial<InstanceFact> = {}): InstanceFact {
  const full: InstanceStatus = {
    ...{ instanceId: 'instance00' as InstanceId, state: 'live', restarts: 0, lastLines: [], timingsMs: {} },
    startedAtMs: WHY_NOW - 300_000,
    ...status,
  };
  return {
    ...{ name: 'web.1', type: 'web', release: 3, node: 'fra-1', desired: 'run', limits: DEFAULT_LIMITS },
    ...{ state: full.state, status: full },
    ...change,
  };
}

export function appFacts(change: Partial<AppWhyFacts> = {}): AppWhyFacts {
  return {
    ...{ nowMs: WHY_NOW, app: 'shop', current: releaseFact(), latest: releaseFact(), events: [] },
    ...{
      wanted: { web: 1 },
      instances: [instanceFact()],
      nodes: [nodeFact()],
      failedCron: [],
      failedScripts: [],
      commands: [],
      placeless: new Map(),
      patienceMs: 60_000,
    },
    ...change,
  };
}

/** A push that found no place, with why not on each node. */
export const noPlace = (reasons: Record<string, string>): AppWhyFacts => {
  const { code, message } = noRoom({ processType: parseProcessType('web'), ordinal: 1, reasons });
  return appFacts({ latest: failedRelease(code, message) });
};

export const failedBuild = (code: string, message: string): AppWhyFacts =>
  appFacts({
    latestBuild: {
      id: 'b1',
      state: 'failed',
      commit: 'd'.repeat(40),
      user: 'ada',
      createdAtMs: WHY_NOW,
      failure: { code, message },
    },
  });

export const AWAY = nodeFact({ connected: false, state: 'unreachable', lastSeenMsAgo: 180_000, lost: true });

/** Each next command is one that there is. */
export function assertNextExists({ chains }: WhyBody): void {
  const names = new Set(COMMANDS.map((command) => command.name));
  for (const { next } of chains) {
    if (/^on [a-z0-9- ]+: \S/.test(next)) continue; // what only somebody on that machine can do
    for (const command of next.split(' && ')) {
      const [program, name] = command.split(' ');
      assert.ok(program === 'git' || (program === 'slipway' && names.has(name ?? '')), `no such command: ${command}`);
    }
  }
}
