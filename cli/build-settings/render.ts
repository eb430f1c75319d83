import { withoutCredentials, type BuildSettings } from '../../shared/domain/build-settings.ts';
import type { Paint } from '../terminal/paint.ts';

export function renderRoot(app: string, { root }: BuildSettings): string {
  if (root === undefined) return `${app}: builds use the whole repository.\n`;
  return `${app}: builds use only the folder ${root} of the repository.\n`;
}

export function renderBuildpacks(app: string, { buildpacks }: BuildSettings, paint: Paint): string {
  if (buildpacks.length === 0) return `${app} has no buildpacks set: app.json, .buildpacks or detection decides.\n`;
  const lines = buildpacks.map((name, at) => `${String(at + 1)}. ${withoutCredentials(name)}\n`);
  return `=== ${paint.bold(`${app} buildpacks`)}\n${lines.join('')}`;
}
