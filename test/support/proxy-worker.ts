import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The HAProxy worker of now. A reload starts another one. */
export async function workerPid({ stateDir }: { readonly stateDir: string }): Promise<string> {
  const master = (await readFile(join(stateDir, 'haproxy.pid'), 'utf8')).split(' ')[0] ?? '';
  return readFile(`/proc/${master}/task/${master}/children`, 'utf8');
}
