import { SlipwayError } from '../../shared/kit/errors.ts';
import { run, runOk } from '../../shared/kit/exec.ts';
import { gitCommand } from './git/git.argv.ts';
import type { ReceiveLimits } from './port.ts';

/** Highest number of branches, tags and notes of one app. Each is a file on the controller's disk, and git reads all of them in each push and fetch. */
export const REPOSITORY_REFS_MAX = 5_000;

const MEGABYTE = 1_000_000;
/** Header and checksum. A push that only deletes or moves refs sends no more, so it works in a full repository too. */
const EMPTY_PACK_BYTES = 32;

/** Counts the refs that running pushes will add, so that pushes at the same time cannot exceed the limit together. */
export class RefReservations {
  readonly #promised = new Map<string, number>();

  /** For one push. */
  open(repositoryDir: string, app: string): RefReservation {
    let mine = 0;
    const promise = (count: number): number => {
      const all = (this.#promised.get(repositoryDir) ?? 0) + count;
      if (all > 0) this.#promised.set(repositoryDir, all);
      else this.#promised.delete(repositoryDir);
      mine += count;
      return all;
    };
    return {
      take: async (count) => {
        if (count === 0) return;
        const promised = promise(count);
        if ((await countRefs(repositoryDir)) + promised > REPOSITORY_REFS_MAX) throw tooManyRefs(app);
      },
      leave: () => void promise(-mine),
    };
  }
}

export interface RefReservation {
  /** @throws SLIP_PUSH_REFS when the repository would have more than {@link REPOSITORY_REFS_MAX} */
  readonly take: (count: number) => Promise<void>;
  /** Call when the push has ended. */
  readonly leave: () => void;
}

async function countRefs(repositoryDir: string): Promise<number> {
  const args = ['for-each-ref', '--format=.', `--count=${String(REPOSITORY_REFS_MAX + 1)}`];
  return (await runOk(run, gitCommand(repositoryDir, args))).stdout.length / 2;
}

function tooManyRefs(app: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_PUSH_REFS',
    message: `The repository of ${app} would have more than ${String(REPOSITORY_REFS_MAX)} branches and tags, the most that an app can have.`,
    hint: 'Push only the deploy branch: git push slipway main — or delete others first: git push slipway --delete NAME',
  });
}

export interface PackLimit {
  readonly maxPackBytes: number;
  /** Message for the pusher of a larger pack. Absent: the limit of one push applies. */
  readonly tooLarge?: string | undefined;
}

/** The largest pack that this push may send. Pure. */
export function packLimit(
  repository: { readonly app: string; readonly usedBytes: number; readonly maxPackBytes: number } & ReceiveLimits,
): PackLimit {
  const { app, usedBytes, maxPackBytes, repositoryMegabytes, owner } = repository;
  const left = repositoryMegabytes * MEGABYTE - usedBytes;
  if (left >= maxPackBytes) return { maxPackBytes };
  const max = String(repositoryMegabytes);
  const raised = String(Math.max(1, repositoryMegabytes * 2));
  return {
    maxPackBytes: Math.max(EMPTY_PACK_BYTES, left),
    tooLarge: `The repository of ${app} has ${String(Math.ceil(usedBytes / MEGABYTE))} MB, and with this push it would have more than ${max} MB, the quota of its owner (repositoryMegabytes). Take large files out of the commits (git rm --cached FILE, git commit --amend), then push again. Branches that you do not need can be deleted (git push slipway --delete NAME); git removes their objects two weeks later. An administrator can raise the quota: slipway users:quotas ${owner} repositoryMegabytes=${raised}`,
  };
}
