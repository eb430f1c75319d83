import { describeCauses, renderError, toSlipwayError } from '../../shared/kit/errors.ts';
import { answerPush, type PushDeps } from './answer-push.ts';
import { encodePkt } from './git/pkt-line.ts';
import { receivePack, uploadPack, type ServiceRun } from './git/receive-pack.ts';
import { ensureRepository, maintainRepository, sweepRepository } from './git/repository.ts';
import { parseExec } from './parse-exec.ts';
import type { PushApp } from './port.ts';
import type { ExecRequest } from './ssh/session.ts';
import { cleanTerminalText } from './terminal-text.ts';

export interface GitServiceConfig {
  readonly reposDir: string;
  readonly hooksDir: string;
  /** Largest pack taken in one push. */
  readonly maxPackBytes: number;
}

/** Serves git requests of authenticated users; knows nothing of SSH. */
export class GitService {
  readonly #config: GitServiceConfig;
  readonly #deps: PushDeps;
  readonly #running = new Set<Promise<void>>();
  /** Runs per repository: housekeeping is done when there is none. */
  readonly #users = new Map<string, number>();
  readonly #swept = new Map<string, Promise<void>>();

  constructor(config: GitServiceConfig, deps: PushDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  /** Resolves with the exit code for the client; its errors have been told to the client. Never rejects. */
  async serve(request: ExecRequest, acceptedAtMs: number): Promise<number> {
    try {
      const run = await this.#start(request, acceptedAtMs);
      return await run.exitCode;
    } catch (error) {
      return this.refuse(request, error);
    }
  }

  /** Resolves when no push is being worked on. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async #start(request: ExecRequest, acceptedAtMs: number): Promise<ServiceRun> {
    const { gate, clock, failpoint } = this.#deps;
    const startedAtMs = clock.monotonicMs();
    const { service, app: name } = parseExec(request.command);
    const { user } = request.identity;
    const writes = service === 'receive-pack';
    const { errors, closed: signal } = request.channel;
    if (writes) await gate.awaitBuilder({ tell: (text) => void errors.write(text), signal });
    const app = await gate.openApp(user, name, writes ? 'write' : 'read');
    if (writes) await gate.beforeReceive(app, user);
    const repositoryDir = await this.#openRepository(app);
    if (writes) await failpoint('push.accepted');
    const options = { ...this.#config, service, repositoryDir, protocol: request.protocol };
    if (!writes) return this.#track(repositoryDir, uploadPack(options, request.channel));
    const receiveStartedAtMs = clock.monotonicMs();
    const timingsMs: Record<string, number> = { ssh: startedAtMs - acceptedAtMs, authorise: receiveStartedAtMs - startedAtMs };
    const decide = answerPush(this.#deps, { app, user, repositoryDir, acceptedAtMs, timingsMs, receiveStartedAtMs });
    return this.#track(repositoryDir, receivePack(options, request.channel, decide));
  }

  /** Creates it on the first push; clears what a crash left there, once, before the first git of this life runs in it. */
  async #openRepository(app: PushApp): Promise<string> {
    const dir = await ensureRepository(this.#config.reposDir, app.appId);
    const swept = this.#swept.get(dir) ?? sweepRepository(dir);
    this.#swept.set(dir, swept);
    await swept;
    return dir;
  }

  #track(dir: string, run: ServiceRun): ServiceRun {
    this.#users.set(dir, (this.#users.get(dir) ?? 0) + 1);
    const done = run.settled
      .catch((error: unknown) => {
        this.#deps.log.error({ repositoryDir: dir, cause: describeCauses(error) }, 'git.conversation_failed');
      })
      .then(() => {
        const left = (this.#users.get(dir) ?? 1) - 1;
        if (left > 0) this.#users.set(dir, left);
        else this.#users.delete(dir);
        if (left === 0) this.#maintain(dir);
      });
    this.#remember(done);
    return run;
  }

  #remember(done: Promise<void>): void {
    this.#running.add(done);
    void done.finally(() => this.#running.delete(done));
  }

  #maintain(dir: string): void {
    const done = maintainRepository(dir).catch((error: unknown) => {
      this.#deps.log.warn({ repositoryDir: dir, cause: describeCauses(error) }, 'git.maintenance_failed');
    });
    this.#remember(done);
  }

  /** Answers one request with an error instead of git. In git's own form, so that the client prints one sentence and our hint, and nothing about "access rights". */
  refuse(request: ExecRequest, error: unknown): number {
    const known = toSlipwayError(error);
    if (known.kind === 'bug') this.#deps.log.error({ code: known.code, cause: describeCauses(error) }, 'git.failed');
    const text = cleanTerminalText(renderError(known));
    const { output, errors } = request.channel;
    if (known.code === 'SLIP_PUSH_COMMAND') errors.write(text);
    else output.write(encodePkt(`ERR ${text.trimEnd()}`));
    return 1;
  }
}
