import type { ChecksChangedBody, TypeChecksBody } from '../../../shared/api/checks.ts';
import { instanceName } from '../../../shared/domain/assignment.ts';
import { checkSubject, effectiveChecks, type HealthCheck } from '../../../shared/domain/health-check.ts';
import type { App } from '../../domain/apps.ts';
import type { ApiDeps } from '../deps.ts';

type Deps = Pick<ApiDeps, 'store' | 'fleet'>;

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

export async function changedChecks(deps: Deps, app: App, version: number | undefined): Promise<ChecksChangedBody> {
  return { ...(version === undefined ? {} : { version }), checks: await listChecks(deps, app) };
}

function viewCheck(check: HealthCheck): TypeChecksBody['checks'][number] {
  return { ...check, asks: checkSubject(check) };
}
