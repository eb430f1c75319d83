import { existsSync } from 'node:fs';
import { cp, link, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The manual is every seventh file of npm. */
function isNoManual(path: string): boolean {
  return !/\/npm\/(docs|man)$/.test(path);
}

/** Its programs, which lead to it: each build copies its runtime, and npm is two thousand files. */
async function standInFor(npm: string, target: string): Promise<void> {
  await mkdir(join(target, 'bin'), { recursive: true });
  await cp(join(npm, 'package.json'), join(target, 'package.json'));
  for (const name of ['bin/npm-cli.js', 'bin/npx-cli.js']) {
    await writeFile(join(target, name), `#!/usr/bin/env node\nrequire(${JSON.stringify(join(npm, name))});\n`, {
      mode: 0o755,
    });
  }
}

/**
 * The Node that runs the tests, laid out as a distribution, with an npm if this machine has one. By default scripts
 * stand in for the program, which is a hundred times their size, and for npm: `real` is for sandboxes that do not see this machine.
 */
export async function testToolchain(root: string, real = false): Promise<string> {
  const folder = join(root, 'toolchain');
  await mkdir(join(folder, 'bin'), { recursive: true });
  await mkdir(join(folder, 'lib/node_modules'), { recursive: true });
  const program = join(folder, 'bin/node');
  if (real) await link(process.execPath, program).catch(() => cp(process.execPath, program));
  else await writeFile(program, `#!/bin/sh\nexec ${process.execPath} "$@"\n`, { mode: 0o755 });
  await writeFile(join(folder, 'package.json'), `{\n  "version": "${process.versions.node}"\n}\n`);
  for (const npm of [
    join(dirname(process.execPath), '../lib/node_modules/npm'),
    '/usr/lib/node_modules/npm',
    '/usr/share/nodejs/npm',
  ]) {
    if (!existsSync(npm)) continue;
    const target = join(folder, 'lib/node_modules/npm');
    await (real ? cp(npm, target, { recursive: true, filter: isNoManual }) : standInFor(npm, target));
    break;
  }
  return folder;
}
