import type { Readable } from 'node:stream';
import type { Clock } from '../../../shared/kit/clock.ts';
import { NO_COMMIT } from '../git/proc-receive.ts';
import { readRef } from '../git/repository.ts';
import type { GitService } from '../git-service.ts';
import type { GitUser, Push, PushApp, PushOutcome, PushOutput, PushPolicy } from '../port.ts';
import { TerminalText } from '../terminal-text.ts';
import { importArchive } from './import-archive.ts';

export interface ArchiveDeploysDeps {
  readonly service: Pick<GitService, 'receive'>;
  readonly deploy: PushPolicy['deploy'];
  readonly clock: Clock;
}

/** An archive that a user uploads to deploy it. */
export interface ArchiveUpload {
  readonly app: PushApp;
  readonly user: GitUser;
  readonly source: Readable;
  readonly stripsTop: boolean;
  readonly signal: AbortSignal;
}

export interface StoredArchive {
  readonly push: Push;
  readonly files: number;
  readonly skipped: number;
}

/** Holds the commit of the current release when it came from an archive. git does not show refs below refs/slipway. */
const REF = 'refs/slipway/archive';

/** Deploys archives. The content becomes a commit in the repository of the app, and from then on everything is as with a push. */
export class ArchiveDeploys {
  readonly #deps: ArchiveDeploysDeps;

  constructor(deps: ArchiveDeploysDeps) {
    this.#deps = deps;
  }

  /** Receives and checks the archive. @throws SLIP_ARCHIVE_*, and what a push is refused with */
  async store({ app, user, source, stripsTop, signal }: ArchiveUpload): Promise<StoredArchive> {
    const { service, clock } = this.#deps;
    const acceptedAtMs = clock.monotonicMs();
    return await service.receive({ app, user, signal }, async (receiving) => {
      const { repositoryDir } = receiving;
      const timeMs = clock.nowMs();
      const imported = await importArchive({ ...receiving, source, stripsTop, author: user.name, timeMs });
      const { commit, files, skipped } = imported;
      const oldCommit = (await readRef(repositoryDir, REF)) ?? NO_COMMIT;
      const push: Push = {
        ...{ app, user, repositoryDir, ref: REF, oldCommit, newCommit: commit, acceptedAtMs },
        commit: { timeMs, subject: 'Deploy of an archive' },
        timingsMs: { receive: clock.monotonicMs() - acceptedAtMs },
      };
      return { push, files, skipped };
    });
  }

  /** Never rejects. The output is safe for a terminal. */
  async deploy({ push }: StoredArchive, output: (text: string) => void, signal: AbortSignal): Promise<PushOutcome> {
    const cleaner = new TerminalText();
    const clean: PushOutput = (text) => output(cleaner.push(text));
    const outcome = await this.#deps.deploy(push, clean, signal);
    output(cleaner.end());
    return outcome;
  }
}
