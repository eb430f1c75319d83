import { join } from 'node:path';
import type { Run } from '../../../shared/kit/exec.ts';
import type { SandboxConfig } from '../config.ts';
import { KeyedQueue } from '../../../shared/kit/keyed-queue.ts';
import { hostNameservers } from '../network/resolv.ts';
import { ensureHostSkeleton, ensureNamedStack, type RootFiles } from './skeleton.ts';

/** The root file systems of the stacks. Each is checked once after `invalidate`, not at every start of a sandbox. */
export class RootFilesystems {
  readonly #base: string;
  readonly #config: SandboxConfig;
  readonly #run: Run;
  readonly #lock = new KeyedQueue();
  readonly #known = new Map<string, RootFiles>();

  constructor({ base, config, run }: { base: string; config: SandboxConfig; run: Run }) {
    this.#base = base;
    this.#config = config;
    this.#run = run;
  }

  async nameservers(): Promise<readonly string[]> {
    return this.#config.nameservers ?? (await hostNameservers());
  }

  invalidate(): void {
    this.#known.clear();
  }

  /** @throws SLIP_SANDBOX_STACK */
  ensure(stack: string): Promise<RootFiles> {
    return this.#lock.enqueue('root files', async () => {
      const known = this.#known.get(stack);
      if (known !== undefined) return known;
      const nameservers = await this.nameservers();
      const place = { base: this.#base, stacksDir: join(this.#config.stateDir, 'stacks') };
      const files = await (stack === 'host'
        ? ensureHostSkeleton(this.#base, nameservers, this.#run)
        : ensureNamedStack(place, stack, nameservers));
      this.#known.set(stack, files);
      return files;
    });
  }
}
