import { describeCauses } from '../../shared/kit/errors.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { sweepQuarantines, sweepRepository } from './git/repository.ts';

/**
 * Removes what a git that was cut or killed left in a repository. git keeps a push in a folder of its own until all objects are checked, so
 * these folders are rubbish as soon as no git receives there.
 */
export class Quarantines {
  readonly #log: Logger;
  readonly #receiving = new Map<string, number>();
  readonly #swept = new Map<string, Promise<void>>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Resolves when the repository is swept: the first time in this life of all that a crash left. */
  async ready(dir: string): Promise<void> {
    const swept = this.#swept.get(dir) ?? sweepRepository(dir);
    this.#swept.set(dir, swept);
    await swept;
  }

  /** Before a git receives. The function it returns is called when git has moved its objects in, or has ended; again does nothing. */
  async enter(dir: string): Promise<() => void> {
    this.#receiving.set(dir, (this.#receiving.get(dir) ?? 0) + 1); // from now on nobody begins to sweep
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

  /** The repository is about to go: resolves when nothing is being removed in it any more. */
  async forget(dir: string): Promise<void> {
    await this.#swept.get(dir)?.catch(() => undefined); // who waited for it has been told
    this.#swept.delete(dir);
  }

  /** Resolves when nothing is being removed. */
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
      this.#log.warn({ repositoryDir: dir, cause: describeCauses(error) }, 'git.sweep_failed');
    });
    this.#swept.set(dir, swept);
  }
}
