import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');

/** A Node distribution whose npm output depends on everything that it can read ({@link ../../fixtures/node-builds/curious-npm.sh}). */
export async function curiousToolchain(root: string): Promise<string> {
  const folder = join(root, 'toolchain');
  const npm = join(folder, 'lib/node_modules/npm');
  await mkdir(join(npm, 'bin'), { recursive: true });
  await mkdir(join(folder, 'bin'));
  const node = `#!/bin/sh\ncase $1 in */npm-cli.js) exec /bin/bash "$@" ;; *) exec ${process.execPath} "$@" ;; esac\n`;
  await writeFile(join(folder, 'bin/node'), node, { mode: 0o755 });
  await writeFile(join(folder, 'package.json'), `{\n  "version": "${process.versions.node}"\n}\n`);
  await writeFile(join(npm, 'package.json'), '{\n  "version": "11.0.0"\n}\n');
  await cp(join(ROOT, 'buildpacks/lib/json.awk'), join(npm, 'bin/json.awk'));
  for (const name of ['npm-cli.js', 'npx-cli.js'])
    await cp(join(ROOT, 'test/fixtures/node-builds/curious-npm.sh'), join(npm, 'bin', name));
  return folder;
}
