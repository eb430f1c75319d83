import type { ScriptName } from '../../shared/domain/deploy-scripts.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { ReleaseCause } from '../../shared/domain/release-cause.ts';
import type { Release } from './releases.ts';

/** A script of app.json that runs because its release is live. */
export interface DueScript {
  readonly appId: AppId;
  readonly version: number;
  readonly script: ScriptName;
}

/** A config change and a rollback deploy no new code. */
const NEW_CODE: ReadonlySet<ReleaseCause> = new Set(['deploy', 'promote']);

/** Pure: whether the scripts of app.json run for a release. */
export function runsScripts({ cause }: Pick<Release, 'cause'>): boolean {
  return NEW_CODE.has(cause);
}

/** Pure: the scripts that run when the release becomes current, in their order. @param isFirst the app had no current release before */
export function scriptsAfter(release: Pick<Release, 'cause' | 'slug'>, isFirst: boolean): readonly ScriptName[] {
  const { scripts } = release.slug;
  if (scripts === undefined || !runsScripts(release)) return [];
  const wanted: readonly ScriptName[] = isFirst ? ['setup', 'postdeploy'] : ['postdeploy'];
  return wanted.filter((name) => scripts[name] !== undefined);
}
