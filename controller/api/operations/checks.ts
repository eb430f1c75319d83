import type { CheckBody, ChecksChangedBody, TypeChecksBody } from '../../../shared/api/checks.ts';
import { instanceName } from '../../../shared/domain/assignment.ts';
import { checkSubject, effectiveChecks, type HealthCheck } from '../../../shared/domain/health-check.ts';
import { ownProperty } from '../../../shared/kit/own-property.ts';
import { watchFleet } from '../../dispatch/watch-fleet.ts';
import type { App } from '../../domain/apps.ts';
import { switchReportOf } from '../../release/switch-report.ts';
import type { ApiDeps } from '../deps.ts';

type Deps = Pick<ApiDeps, 'store' | 'fleet'>;

/** More than the longest way from a node to the controller. */
const REPORT_MS = 5_000;

/** The checks that the next release has, and the last answers of the instances that should serve now. */
export async function listChecks({ store, fleet }: Deps, app: App): Promise<readonly TypeChecksBody[]> {
  const [current, settings, rows] = [
    await store.currentRelease(app.id),
    await store.healthChecks(app.id),
    await store.assignmentsOfApp(app.id),
  ];
  const serving = rows.filter((row) => row.release === current?.version && row.desired === 'run');
  return Object.entries(effectiveChecks(current?.slug.checks, settings))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([type, checks]) => ({
      type,
      source: Object.hasOwn(settings, type) ? ('settings' as const) : ('app.json' as const),
      checks: checks.map(viewCheck),
      instances: serving
        .filter((row) => row.processType === type)
        .sort((a, b) => a.ordinal - b.ordinal)
        .map((row) => {
          const { ready, checks: answers = [] } = fleet.status(row.instanceId) ?? {};
          const node = fleet.node(row.nodeId)?.name ?? 'unknown node';
          return { name: instanceName(row), node, ...(ready === undefined ? {} : { ready }), answers: [...answers] };
        }),
    }));
}

/** @param version of the release that the change made */
export async function changedChecks(
  deps: Deps & Pick<ApiDeps, 'log'>,
  app: App,
  version: number | undefined,
): Promise<ChecksChangedBody> {
  const checks = await listChecks(deps, app);
  if (version === undefined) return { checks };
  return { version, checks, switch: await switchReportOf(deps, { appId: app.id, release: version }) };
}

/** The checks of one process type, or of all, asked now. */
export async function runChecks(
  deps: Pick<ApiDeps, 'store' | 'fleet' | 'clock' | 'runChecks'>,
  { app, type, signal }: { readonly app: App; readonly type?: string | undefined; readonly signal: AbortSignal },
): Promise<readonly TypeChecksBody[]> {
  const { store, fleet, clock } = deps;
  const current = await store.currentRelease(app.id);
  const checks = effectiveChecks(current?.slug.checks, current?.checks);
  const lasting = (processType: string): readonly HealthCheck[] =>
    (ownProperty(checks, processType) ?? []).filter((check) => check.type !== 'startup');
  const rows = (await store.assignmentsOfApp(app.id)).filter(
    (row) =>
      row.release === current?.version &&
      row.desired === 'run' &&
      (type ?? row.processType) === row.processType &&
      lasting(row.processType).length > 0,
  );
  const run = clock.nowMs();
  for (const [node, mine] of Map.groupBy(rows, (row) => row.nodeId))
    deps.runChecks(
      node,
      mine.map((row) => row.instanceId),
      run,
    );
  const slowestMs = Math.max(0, ...rows.flatMap((row) => lasting(row.processType).map(({ timeoutMs }) => timeoutMs)));
  const hasRun = ({ instanceId }: (typeof rows)[number]): boolean => (fleet.status(instanceId)?.checksRun ?? 0) >= run;
  const awaited = rows.filter((row) => fleet.status(row.instanceId)?.state === 'live');
  const untilMs = clock.monotonicMs() + slowestMs + REPORT_MS;
  await watchFleet(deps, { untilMs, signal }, () => Promise.resolve(awaited.every(hasRun) || undefined));
  const ran = new Set(rows.filter(hasRun).map(instanceName));
  return (await listChecks(deps, app))
    .filter((each) => (type ?? each.type) === each.type)
    .map((each) => ({ ...each, instances: each.instances.map((one) => ({ ...one, ran: ran.has(one.name) })) }));
}

export function viewCheck(check: HealthCheck): CheckBody {
  return { ...check, asks: checkSubject(check) };
}
