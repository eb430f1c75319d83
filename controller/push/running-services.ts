import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { ServiceRun } from './git/receive-pack.ts';
import { maintainRepository } from './git/repository.ts';

export interface RunningServicesDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

/** The git services that run now. A repository is maintained when the last service in it has ended. */
export class RunningServices {
  readonly #deps: RunningServicesDeps;
  readonly #pending = new Set<Promise<void>>();
  readonly #countByRepository = new Map<string, number>();

  constructor(deps: RunningServicesDeps) {
    this.#deps = deps;
  }

  /** @param ended resolves to true when the repository was removed */
  track(repositoryDir: string, run: ServiceRun, ended: () => Promise<boolean>): ServiceRun {
    this.#countByRepository.set(repositoryDir, (this.#countByRepository.get(repositoryDir) ?? 0) + 1);
    const done = run.settled
      .catch((error: unknown) => {
        this.#deps.log.error({ repositoryDir, err: error }, 'git.conversation_failed');
      })
      .then(async () => {
        const isRemoved = await ended();
        const isLast = this.#countDown(repositoryDir);
        if (isLast && !isRemoved) this.#maintain(repositoryDir);
      });
    this.#remember(done);
    return run;
  }

  /** Resolves when no service and no maintenance runs. */
  async idle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  #countDown(repositoryDir: string): boolean {
    const left = (this.#countByRepository.get(repositoryDir) ?? 1) - 1;
    if (left > 0) this.#countByRepository.set(repositoryDir, left);
    else this.#countByRepository.delete(repositoryDir);
    return left === 0;
  }

  #maintain(repositoryDir: string): void {
    const done = maintainRepository(repositoryDir, this.#deps.clock.nowMs()).catch((error: unknown) => {
      this.#deps.log.warn({ repositoryDir, err: error }, 'git.maintenance_failed');
    });
    this.#remember(done);
  }

  #remember(done: Promise<void>): void {
    this.#pending.add(done);
    void done.finally(() => this.#pending.delete(done));
  }
}
