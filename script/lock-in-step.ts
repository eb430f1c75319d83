/**
 * Exits with 0 if node_modules matches package-lock.json, by the record of npm, and otherwise with 1.
 * script/bootstrap then skips an installation that `npm install <package>` has already updated.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly optional?: boolean;
}

function readPackages(path: string): Map<string, LockedPackage> {
  const lock = JSON.parse(readFileSync(path, 'utf8')) as { packages: Record<string, LockedPackage> };
  return new Map(Object.entries(lock.packages).filter(([location]) => location !== ''));
}

function inStep(wanted: ReadonlyMap<string, LockedPackage>, installed: ReadonlyMap<string, LockedPackage>): boolean {
  if ([...installed.keys()].some((location) => !wanted.has(location))) return false;
  return [...wanted].every(([location, want]) => {
    const have = installed.get(location);
    if (have === undefined) return want.optional === true;
    return have.version === want.version && have.integrity === want.integrity;
  });
}

const root = join(import.meta.dirname, '..');
const recorded = join(root, 'node_modules/.package-lock.json');
const ok = existsSync(recorded) && inStep(readPackages(join(root, 'package-lock.json')), readPackages(recorded));
process.exitCode = ok ? 0 : 1;
