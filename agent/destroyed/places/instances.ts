import type { AppId } from '../../../shared/domain/ids.ts';
import type { HeldInstance } from '../../reconcile/loop.ts';
import { byApp } from '../by-app.ts';
import type { NamedApp, Place } from '../port.ts';

/** Instances, which the reconcile loop drains and ends. */
export function instancesPlace(deps: {
  readonly held: () => readonly HeldInstance[];
  /** The app of an instance that an earlier agent started. */
  readonly writerOf: (instanceId: string) => AppId | undefined;
}): Place {
  const { held, writerOf } = deps;
  return {
    name: 'instance',
    means: 'event',
    look: async (apps) =>
      byApp(apps, (app) => held().flatMap((one) => (mayBeOf(app, one, writerOf) ? [one.instanceId] : []))),
  };
}

/** An instance without a known app counts for every destroyed app. The loop ends it too. */
function mayBeOf(
  app: NamedApp,
  { instanceId, appId, uidBase }: HeldInstance,
  writerOf: (id: string) => AppId | undefined,
): boolean {
  const known = appId ?? writerOf(instanceId);
  if (known !== undefined) return known === app.appId;
  return uidBase === undefined || uidBase === app.uidBase;
}
