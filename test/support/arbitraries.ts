import fc from 'fast-check';
import type { Assignment, DesiredState, Limits, Route } from '../../shared/domain/assignment.ts';
import type { BuildResult, BuildTask } from '../../shared/domain/build.ts';
import type { CronEntry } from '../../shared/domain/cron.ts';
import type { HealthCheck } from '../../shared/domain/health-check.ts';
import type { CommandResult, CommandTask } from '../../shared/domain/command.ts';
import type { AppId, Digest, InstanceId, TaskId } from '../../shared/domain/ids.ts';
import type { InstanceStatus, Reason } from '../../shared/domain/instance.ts';
import type { AppName, ProcessType } from '../../shared/domain/names.ts';
import type { Layer } from '../../shared/domain/slug.ts';
import { Sensitive, type ConfigVars } from '../../shared/kit/sensitive.ts';

// Any valid value of the domain, for property tests.

const matching = (pattern: RegExp): fc.Arbitrary<string> => fc.stringMatching(pattern);
export const anyId = <T extends string>(): fc.Arbitrary<T> => matching(/^[a-z0-9]{8,26}$/) as fc.Arbitrary<T>;
export const anyAppName = matching(/^[a-z][a-z0-9]{1,14}[0-9]$/) as fc.Arbitrary<AppName>;
export const anyProcessType = fc.constantFrom('web', 'worker', 'Clock_1') as fc.Arbitrary<ProcessType>;
const anyCount = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const anySize = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const anyUint32 = fc.integer({ min: 1, max: 2 ** 32 - 1 });
const anyText = fc.string({ unit: 'grapheme', maxLength: 50 });
const anyAmount = fc.double({ min: 0, max: 1e9, noNaN: true }).map((value) => value + 0);
const anyDigest = matching(/^sha256:[0-9a-f]{64}$/) as fc.Arbitrary<Digest>;
const anyCommit = matching(/^[0-9a-f]{40}$/);
const anyTimings = fc.dictionary(matching(/^[a-z.]{1,12}$/), anyAmount, { maxKeys: 4 }).map((value) => ({ ...value }));
const anyPlainConfig = fc
  .dictionary(matching(/^[A-Z_][A-Z0-9]{0,8}$/), anyText, { maxKeys: 4 })
  .map((value) => ({ ...value }));
const anyConfig: fc.Arbitrary<ConfigVars> = anyPlainConfig.map((plain) =>
  Object.fromEntries(Object.entries(plain).map(([name, value]) => [name, new Sensitive(value)])),
);

export const anyReason: fc.Arbitrary<Reason> = fc.record({
  code: matching(/^SLIP_[A-Z0-9_]{1,20}$/),
  message: anyText,
  hint: fc.option(fc.string({ minLength: 1, maxLength: 20 }), { nil: undefined }),
});

const anyLayer: fc.Arbitrary<Layer> = fc.record({
  name: matching(/^[a-z][a-z0-9-]{0,10}$/),
  digest: anyDigest,
  sizeBytes: anyCount,
  shared: fc.boolean(),
});
const anyLayers = fc.uniqueArray(anyLayer, { minLength: 1, maxLength: 3, selector: (layer) => layer.name });
const anyLimits: fc.Arbitrary<Limits> = fc.record({
  memoryBytes: anySize,
  pidsMax: anyUint32,
  cpuMillis: anyUint32,
  diskBytes: anySize,
  diskInodes: anyUint32,
});
const anyUidBase = fc.integer({ min: 1, max: 2 ** 32 - 65536 });

const anyTiming = {
  type: fc.constantFrom('startup' as const, 'readiness' as const, 'liveness' as const),
  name: fc.option(fc.constant('up'), { nil: undefined }),
  initialDelayMs: fc.nat({ max: 300_000 }),
  timeoutMs: fc.integer({ min: 1, max: 300_000 }),
  attempts: fc.integer({ min: 1, max: 100 }),
  waitMs: fc.integer({ min: 1, max: 300_000 }),
};
const anyPort = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });
export const anyHealthCheck: fc.Arbitrary<HealthCheck> = fc.oneof(
  fc.record({
    ...anyTiming,
    probe: fc.constant('http' as const),
    path: matching(/^\/[a-z]{0,8}$/),
    port: anyPort,
    headers: fc.constantFrom({}, { Host: 'shop.example' }),
    content: fc.option(fc.constant('ok'), { nil: undefined }),
  }),
  fc.record({ ...anyTiming, probe: fc.constant('tcp' as const), port: anyPort }),
  fc.record({ ...anyTiming, probe: fc.constant('command' as const), command: fc.constant(['bin/check', '-q']) }),
  fc.record({ ...anyTiming, probe: fc.constant('uptime' as const), uptimeMs: fc.integer({ min: 1, max: 300_000 }) }),
);
const anyChecks = fc.option(fc.array(anyHealthCheck, { minLength: 1, maxLength: 3 }), { nil: undefined });

export const anyAssignment: fc.Arbitrary<Assignment> = fc.record({
  instanceId: anyId<InstanceId>(),
  appId: anyId<AppId>(),
  app: anyAppName,
  uidBase: anyUidBase,
  release: anyUint32,
  processType: anyProcessType,
  ordinal: anyUint32,
  command: fc.string({ minLength: 1, maxLength: 30 }),
  layers: anyLayers,
  stack: matching(/^[a-z][a-z0-9.-]{0,10}$/),
  config: anyConfig,
  limits: anyLimits,
  desired: fc.constantFrom('run', 'standby', 'stop'),
  commit: anyCommit,
  checks: anyChecks,
});
const anyRoute: fc.Arbitrary<Route> = fc.record({
  hostname: matching(/^[a-z]{1,8}\.[a-z]{2,5}$/),
  appId: anyId<AppId>(),
  app: anyAppName,
});
export const anyDesiredState: fc.Arbitrary<DesiredState> = fc.record({
  epoch: fc.record({ counter: anyCount, id: fc.string({ maxLength: 30 }) }),
  generation: anyCount,
  assignments: fc.uniqueArray(anyAssignment, { maxLength: 3, selector: (one) => one.instanceId }),
  routes: fc.array(anyRoute, { maxLength: 3 }),
  massStopReason: anyText,
  destroyed: fc.option(
    fc.array(fc.record({ appId: anyId<AppId>(), uidBase: fc.nat() }), { minLength: 1, maxLength: 3 }),
    {
      nil: undefined,
    },
  ),
  withheld: fc.option(fc.constant([{ instanceId: 'withheld0001' as InstanceId, desired: 'run' as const }]), {
    nil: undefined,
  }),
});

export const anyStatus: fc.Arbitrary<InstanceStatus> = fc.record({
  instanceId: anyId<InstanceId>(),
  state: fc.constantFrom('pending', 'fetching', 'starting', 'live', 'backoff', 'stopping', 'stopped', 'failed'),
  serving: fc.option(fc.boolean(), { nil: undefined }),
  restarts: fc.nat({ max: 2 ** 32 - 1 }),
  startedAtMs: fc.option(anyCount, { nil: undefined }),
  lastExit: fc.option(
    fc.record({
      code: fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { nil: undefined }),
      signal: fc.option(fc.constantFrom('SIGKILL', 'SIGTERM'), { nil: undefined }),
      oomKilled: fc.boolean(),
      oomOfNode: fc.option(fc.boolean(), { nil: undefined }),
      atMs: anyCount,
    }),
    { nil: undefined },
  ),
  crashes: fc.option(
    fc.record({ count: fc.nat({ max: 2 ** 32 - 1 }), sinceMs: fc.option(anyCount, { nil: undefined }) }),
    {
      nil: undefined,
    },
  ),
  nextStartAtMs: fc.option(anyCount, { nil: undefined }),
  reason: fc.option(anyReason, { nil: undefined }),
  lastLines: fc.array(anyText, { maxLength: 4 }),
  ready: fc.option(fc.boolean(), { nil: undefined }),
  checksRun: fc.option(anySize, { nil: undefined }),
  checks: fc.option(
    fc.array(
      fc.record({
        ...{ check: anyText, passed: fc.boolean(), lastPassed: fc.boolean() },
        ...{ answer: anyText, sinceMs: anyCount },
      }),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
    { nil: undefined },
  ),
  timingsMs: anyTimings,
});

export const anyBuildTask: fc.Arbitrary<BuildTask> = fc.record({
  kind: fc.constant('build' as const),
  taskId: anyId<TaskId>(),
  appId: anyId<AppId>(),
  app: anyAppName,
  uidBase: anyUidBase,
  commit: anyCommit,
  commitTimeMs: anyCount,
  stack: fc.constantFrom('host', 'debian-12'),
  config: anyConfig,
  buildpacks: fc.array(fc.string({ minLength: 1, maxLength: 20 }), { maxLength: 3 }),
  limits: anyLimits,
  timeoutMs: anyUint32,
  slugLimitBytes: anySize,
  outputLimitBytes: anySize,
  root: fc.constantFrom('services/api', undefined),
  cacheNumber: fc.constantFrom(3, undefined),
});

export const anyCommandTask: fc.Arbitrary<CommandTask> = fc.record({
  kind: fc.constantFrom('release' as const, 'run' as const, 'cron' as const),
  taskId: anyId<TaskId>(),
  appId: anyId<AppId>(),
  app: anyAppName,
  uidBase: anyUidBase,
  release: anyUint32,
  process: fc.constantFrom('run.4821', 'release.12'),
  command: fc.string({ minLength: 1, maxLength: 40 }),
  layers: anyLayers,
  stack: fc.constantFrom('host', 'debian-12'),
  commit: anyCommit,
  config: anyConfig,
  env: anyConfig,
  limits: anyLimits,
  timeoutMs: anyUint32,
  graceMs: anyUint32,
  attached: fc.constantFrom(true, undefined),
  outputLimitBytes: anySize,
});

export const anyCommandResult: fc.Arbitrary<CommandResult> = fc.record({
  exit: fc.record({
    code: fc.constantFrom(0, 7, undefined),
    signal: fc.constantFrom('SIGKILL', undefined),
    oomKilled: fc.boolean(),
    atMs: anyCount,
  }),
  durationMs: anyCount,
  endedBy: fc.constantFrom('timeout' as const, 'cancel' as const, undefined),
});

const ANY_CRON: readonly CronEntry[] = [
  {
    ...{ name: 'nightly', command: 'node job.js', schedule: '30 2 * * *', timeZone: 'Europe/Berlin' },
    ...{ concurrency: 'forbid', missed: 'skip', timeoutMs: 60_000, suspended: false },
  },
  {
    ...{ name: 'report', processType: 'report', schedule: '@daily', timeZone: 'Etc/UTC' },
    ...{ concurrency: 'allow', missed: 'run-once', timeoutMs: 1_000, suspended: true },
  },
];

export const anyBuildResult: fc.Arbitrary<BuildResult> = fc.record({
  slug: fc.record({
    layers: anyLayers,
    processTypes: fc
      .dictionary(matching(/^[a-z][a-z0-9]{0,9}$/), fc.string({ minLength: 1, maxLength: 20 }), { maxKeys: 3 })
      .map((fields) => ({ ...fields })),
    stack: fc.constantFrom('host', 'debian-12'),
    platform: anyText,
    commit: anyCommit,
    buildpacks: fc.array(anyText, { maxLength: 3 }),
    defaultConfig: anyPlainConfig,
    checks: fc.option(
      anyChecks.filter((checks) => checks !== undefined).map((web) => ({ web })),
      { nil: undefined },
    ),
    cron: fc.constantFrom(undefined, ANY_CRON),
  }),
  stats: fc.record({ timingsMs: anyTimings, sourceBytes: anyCount, uploadedBytes: anyCount }),
});

export const anyLogLine = fc.record({
  atMs: anyCount,
  source: fc.constantFrom('app' as const, 'slipway' as const),
  process: fc.constantFrom('web.1', 'router'),
  message: anyText,
});
