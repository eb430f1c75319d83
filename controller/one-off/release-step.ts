import { SCRIPT_KEYS, type ScriptName } from '../../shared/domain/deploy-scripts.ts';
import { ownProperty } from '../../shared/kit/own-property.ts';
import { runsScripts } from '../domain/due-scripts.ts';
import type { Release } from '../domain/releases.ts';

/** One command of a release. */
export interface ReleaseStep {
  /** Undefined: the release command. */
  readonly script?: ScriptName | undefined;
  readonly command: string;
}

/** Pure: what runs before anything of the release starts, in the order of Dokku. */
export function stepsBefore(release: Pick<Release, 'cause' | 'slug'>): readonly ReleaseStep[] {
  const predeploy = runsScripts(release) ? release.slug.scripts?.predeploy : undefined;
  const command = ownProperty(release.slug.processTypes, 'release');
  return [
    ...(predeploy === undefined ? [] : [{ script: 'predeploy', command: predeploy } as const]),
    ...(command === undefined ? [] : [{ command }]),
  ];
}

/** Pure: the subject of sentences about a step. */
export function titleOf({ script }: Pick<ReleaseStep, 'script'>): string {
  return script === undefined ? 'The release command' : SCRIPT_KEYS[script];
}
