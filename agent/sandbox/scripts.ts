import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const SCRIPTS = [
  ...['supervisor/supervise.sh', 'supervisor/save-oom.sh', 'supervisor/stop.sh', 'files/disk.sh'],
  ...['inside/start.sh', 'inside/dyno.sh', 'inside/report.sh', 'inside/confine.pl', 'inside/attach.pl'],
];

/**
 * Copies our scripts to a folder that is named after their content. A shell reads its script while it runs, so a running sandbox must keep its
 * version when the agent is upgraded.
 */
export async function installScripts(sourceDir: string, base: string): Promise<string> {
  const texts = await Promise.all(SCRIPTS.map((name) => readFile(join(sourceDir, name))));
  const digest = createHash('sha256');
  for (const text of texts) digest.update(text).update('\0');
  const target = join(base, 'scripts', digest.digest('hex').slice(0, 16));
  if (existsSync(target)) return target;
  const temp = `${target}.new`;
  await rm(temp, { recursive: true, force: true });
  await mkdir(temp, { recursive: true });
  for (const [index, name] of SCRIPTS.entries()) {
    const path = join(temp, name.slice(name.indexOf('/') + 1));
    await writeFile(path, texts[index] ?? '');
    await chmod(path, 0o755);
  }
  await rename(temp, target);
  return target;
}
