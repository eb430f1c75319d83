import type { Logger } from '../../shared/kit/log.ts';
import { sweepQuarantines, sweepRepository } from './git/repository.ts';

/**
 * Removes the files that an interrupted git left in a repository. git keeps a push in a separate folder until all objects are checked. These
 * folders are not needed when no git receives objects in the repository.
 */
export class Quarantines {
  readonly #log: Logger;
  readonly #receiving = new Map<string, number>();
  readonly #swept = new Map<string, Promise<void>>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Resolves when the repository is swept. The first sweep after a start also removes the files that a crash left. */
  async ready(dir: string): Promise<void> {
    const swept = this.#swept.get(dir) ?? sweepRepository(dir);
    this.#swept.set(dir, swept);
    await swept;
  }

  /** Call before git receives objects. Call the returned function when git has stored them or has ended. A second call does nothing. */
  async enter(dir: string): Promise<() => void> {
    this.#receiving.set(dir, (this.#receiving.get(dir) ?? 0) + 1); // no sweep starts from now on
    let inside = true;
    const leave = (): void => {
      if (inside) this.#leave(dir);
      inside = false;
    };
    await this.ready(dir).catch((error: unknown) => {
      leave();
      throw error;
    });
    return leave;
  }

  /** Call before the repository is removed. Resolves when no sweep of it runs. */
  async forget(dir: string): Promise<void> {
    await this.#swept.get(dir)?.catch(() => undefined); // its failure has been reported already
    this.#swept.delete(dir);
  }

  /** Resolves when no sweep runs. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#swept.values());
  }

  #leave(dir: string): void {
    const left = (this.#receiving.get(dir) ?? 1) - 1;
    if (left > 0) {
      this.#receiving.set(dir, left);
      return;
    }
    this.#receiving.delete(dir);
    const swept = sweepQuarantines(dir).catch((error: unknown) => {
      this.#log.warn({ repositoryDir: dir, err: error }, 'git.sweep_failed');
    });
    this.#swept.set(dir, swept);
  }
}
