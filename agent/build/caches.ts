import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AppId } from '../../shared/domain/ids.ts';
import { isId } from '../../shared/domain/ids.ts';
import { ensureDir, readFileIfExists, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import type { Run } from '../../shared/kit/exec.ts';
import { parseDeclaredLayers, renderDeclaredLayer } from './declared-layers.ts';
import type { DeclaredLayer } from './layers/port.ts';
import { ensureOwnedDir } from './task-folder.ts';

/** Per app: CACHE_DIR, and what the last build declared. Both belong to one stack and go when it changes. */
export class BuildCaches {
  readonly #root: string;
  readonly #run: Run;

  constructor(root: string, run: Run) {
    this.#root = root;
    this.#run = run;
  }

  /** The CACHE_DIR of an app, made if missing and emptied when it was of another stack. */
  async open(appId: AppId, uidBase: number, stack: string): Promise<string> {
    const home = this.#home(appId);
    const stackFile = join(home, 'stack');
    const before = await readFileIfExists(stackFile);
    if (before !== undefined && before !== stack) await rm(home, { recursive: true, force: true });
    await ensureDir(home, 0o711);
    const folder = join(home, 'cache');
    await ensureOwnedDir(folder, uidBase);
    if (before !== stack) await writeFileAtomic(stackFile, stack, 0o600);
    return folder;
  }

  /** What the last build of this app declared, for layers to mount before the next one is known. */
  async declared(appId: AppId): Promise<readonly DeclaredLayer[]> {
    return parseDeclaredLayers((await readFileIfExists(this.#declaredFile(appId))) ?? '');
  }

  async remember(appId: AppId, declared: readonly DeclaredLayer[]): Promise<void> {
    const text = declared.map((layer) => `${renderDeclaredLayer(layer)}\n`).join('');
    if (text !== ((await readFileIfExists(this.#declaredFile(appId))) ?? '')) await writeFileAtomic(this.#declaredFile(appId), text, 0o600);
  }

  /** Empties a CACHE_DIR that has grown beyond the limit. */
  async trim(appId: AppId, limitBytes: number): Promise<boolean> {
    const folder = join(this.#home(appId), 'cache');
    const { stdout } = await this.#run({ file: 'du', args: ['-skx', '--', folder] });
    if (Number.parseInt(stdout, 10) * 1024 <= limitBytes) return false;
    await rm(folder, { recursive: true, force: true });
    return true;
  }

  async clear(appId: AppId): Promise<void> {
    await rm(this.#home(appId), { recursive: true, force: true });
  }

  async appIds(): Promise<readonly string[]> {
    return (await readdir(this.#root).catch(() => [])).filter(isId);
  }

  #home(appId: AppId): string {
    return join(this.#root, appId);
  }

  #declaredFile(appId: AppId): string {
    return join(this.#home(appId), 'declared');
  }
}
