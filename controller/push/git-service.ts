import { renderError, SlipwayError, toSlipwayError } from '../../shared/kit/errors.ts';
import { answerPush, type PushDeps } from './answer-push.ts';
import { encodePkt } from './git/pkt-line.ts';
import { receivePack, uploadPack, type GitChannel, type ServiceRun } from './git/receive-pack.ts';
import {
  ensureRepository,
  keepPlanned,
  maintainRepository,
  markPlanned,
  packsOf,
  removeRepository,
  repositoryPath,
} from './git/repository.ts';
import { DEFAULT_TURN_LIMITS, GitTurns, type Turn, type TurnLimits } from './git-turns.ts';
import { parseExec, type GitServiceName } from './parse-exec.ts';
import type { GitUser, PushApp, PushPolicy } from './port.ts';
import { Quarantines } from './quarantines.ts';
import { packRoom, RefRooms } from './repository-bounds.ts';
import type { ExecRequest } from './ssh/session.ts';
import { cleanTerminalText } from './terminal-text.ts';

export interface GitServiceConfig {
  readonly reposDir: string;
  readonly hooksDir: string;
  /** Largest pack taken in one push. */
  readonly maxPackBytes: number;
  /** Memory limit of one git; default {@link GIT_MEMORY_BYTES}. */
  readonly gitMemoryBytes?: number | undefined;
  readonly turns?: Partial<TurnLimits> | undefined;
}

type Stay = ReturnType<PushPolicy['join']>;

/** One request whose app is known. */
interface Opened {
  readonly app: PushApp;
  readonly service: GitServiceName;
  readonly acceptedAtMs: number;
  /** Monotonic ms. */
  readonly startedAtMs: number;
}

/** Serves git requests of authenticated users; knows nothing of SSH. */
export class GitService {
  readonly #config: GitServiceConfig;
  readonly #deps: PushDeps;
  readonly #running = new Set<Promise<void>>();
  /** Runs per repository: housekeeping is done when there is none. */
  readonly #users = new Map<string, number>();
  readonly #quarantines: Quarantines;
  readonly #refRooms = new RefRooms();
  /** Turns of pushes until their objects are stored, and turns of fetches. Pushes and fetches do not wait for each other. */
  readonly #turns: { readonly receive: GitTurns; readonly send: GitTurns };

  constructor(config: GitServiceConfig, deps: PushDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#quarantines = new Quarantines(deps.log);
    const limits = { ...DEFAULT_TURN_LIMITS, ...config.turns };
    this.#turns = { receive: new GitTurns(limits, deps.clock), send: new GitTurns(limits, deps.clock) };
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
    await this.#quarantines.idle();
  }

  async #start(request: ExecRequest, acceptedAtMs: number): Promise<ServiceRun> {
    const { policy, clock } = this.#deps;
    const startedAtMs = clock.monotonicMs();
    const { service, app: name } = parseExec(request.command);
    const { user } = request.identity;
    const writes = service === 'receive-pack';
    const { errors, closed: signal } = request.channel;
    if (writes) await policy.awaitBuilder({ tell: (text) => void errors.write(text), signal });
    const app = await policy.openApp(user, name, writes ? 'write' : 'read');
    try {
      return await this.#run(request, { app, service, acceptedAtMs, startedAtMs });
    } catch (error) {
      await this.#close(user, app);
      throw error;
    }
  }

  async #run(request: ExecRequest, opened: Opened): Promise<ServiceRun> {
    const stay = this.#deps.policy.join(opened.app.appId, request.channel.closed);
    try {
      return await this.#runWithin(request, opened, stay);
    } catch (error) {
      stay.leave();
      throw error;
    }
  }

  async #runWithin(
    request: ExecRequest,
    { app, service, acceptedAtMs, startedAtMs }: Opened,
    stay: Stay,
  ): Promise<ServiceRun> {
    const { policy, clock, failpoint } = this.#deps;
    const { user } = request.identity;
    const { errors } = request.channel;
    const { signal } = stay;
    const writes = service === 'receive-pack';
    const limits = writes ? await policy.beforeReceive(app, user) : undefined;
    if (app.isNew === true) await markPlanned(this.#config.reposDir, app.appId);
    const repositoryDir = await ensureRepository(this.#config.reposDir, app.appId);
    if (writes) await failpoint('push.accepted');
    const turn = await this.#turns[writes ? 'receive' : 'send'].enter(user.userId, {
      signal,
      waiting: () => void errors.write(WAITING),
    });
    let leave = turn.leave;
    try {
      const options = {
        ...this.#config,
        memoryBytes: this.#config.gitMemoryBytes,
        service,
        repositoryDir,
        protocol: request.protocol,
      };
      const refs = this.#refRooms.open(repositoryDir, app.name);
      const ended = async (): Promise<boolean> => {
        leave();
        refs.leave();
        const gone = (await this.#close(user, app)) || (signal.aborted && !(await policy.hasApp(app.appId)));
        stay.leave();
        return gone;
      };
      const transfer = untilDestroyed(request.channel, signal);
      const channel = withinTurn(transfer.channel, turn);
      if (limits === undefined) {
        await this.#quarantines.ready(repositoryDir);
        return this.#track(repositoryDir, uploadPack(options, channel), ended);
      }
      const leaveQuarantine = await this.#quarantines.enter(repositoryDir);
      leave = () => {
        turn.leave();
        leaveQuarantine();
      };
      const receiveStartedAtMs = clock.monotonicMs();
      const timingsMs: Record<string, number> = {
        ssh: startedAtMs - acceptedAtMs,
        authorise: receiveStartedAtMs - startedAtMs,
      };
      const decide = answerPush(this.#deps, {
        app,
        user,
        repositoryDir,
        acceptedAtMs,
        timingsMs,
        receiveStartedAtMs,
        refs,
      });
      const { bytes: usedBytes } = await packsOf(repositoryDir);
      const room = packRoom({ app: app.name, usedBytes, maxPackBytes: options.maxPackBytes, ...limits });
      const run = receivePack({ ...options, ...room }, channel, (push, io) => {
        leave();
        transfer.over(); // from now on the deploy is told, and git reports how it ended
        return decide(push, io);
      });
      return this.#track(repositoryDir, run, ended);
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Removes the repository of a planned app that was not created. Resolves to true when it is removed. */
  async #close(user: GitUser, app: PushApp): Promise<boolean> {
    if (app.isNew !== true) return false;
    const { reposDir } = this.#config;
    try {
      const useless = await this.#deps.policy.closeApp(user, app);
      if (useless) await this.#quarantines.forget(repositoryPath(reposDir, app.appId));
      if (useless) await removeRepository(reposDir, app.appId);
      else if (await this.#deps.policy.hasApp(app.appId)) await keepPlanned(reposDir, app.appId);
      return useless;
    } catch (error) {
      // The mark stays, so the next start of the controller tries again.
      this.#deps.log.warn({ app: app.name, err: error }, 'git.planned_app_not_cleared');
      return true;
    }
  }

  /** @param ended resolves to true when the repository was removed */
  #track(dir: string, run: ServiceRun, ended: () => Promise<boolean>): ServiceRun {
    this.#users.set(dir, (this.#users.get(dir) ?? 0) + 1);
    const done = run.settled
      .catch((error: unknown) => {
        this.#deps.log.error({ repositoryDir: dir, err: error }, 'git.conversation_failed');
      })
      .then(async () => {
        const gone = await ended();
        const left = (this.#users.get(dir) ?? 1) - 1;
        if (left > 0) this.#users.set(dir, left);
        else this.#users.delete(dir);
        if (left === 0 && !gone) this.#maintain(dir);
      });
    this.#remember(done);
    return run;
  }

  #remember(done: Promise<void>): void {
    this.#running.add(done);
    void done.finally(() => this.#running.delete(done));
  }

  #maintain(dir: string): void {
    const done = maintainRepository(dir, this.#deps.clock.nowMs()).catch((error: unknown) => {
      this.#deps.log.warn({ repositoryDir: dir, err: error }, 'git.maintenance_failed');
    });
    this.#remember(done);
  }

  /** Answers one request with an error instead of git. In git's own form, so that the client prints one sentence and our hint, and nothing about "access rights". */
  refuse(request: ExecRequest, error: unknown): number {
    const known = toSlipwayError(error);
    if (known.kind === 'bug') this.#deps.log.error({ code: known.code, err: error }, 'git.failed');
    const text = cleanTerminalText(renderError(known));
    const { output, errors } = request.channel;
    if (known.code === 'SLIP_PUSH_COMMAND') errors.write(text);
    else output.write(encodePkt(`ERR ${text.trimEnd()}`));
    return 1;
  }
}

const WAITING = 'All places for pushes and fetches are in use. This one waits for a free place.\n';
const TOO_SLOW =
  'The connection carried less than 64 kB/s while others waited, so this transfer was stopped. Try again on a faster connection, or with a smaller push.\n';

/** git is ended when the app is destroyed in the middle of a transfer; then the client gets a message. */
function untilDestroyed(
  channel: GitChannel,
  signal: AbortSignal,
): { readonly channel: GitChannel; readonly over: () => void } {
  const end = new AbortController();
  const stop = (): void => {
    if (signal.reason instanceof SlipwayError) channel.errors.write(renderError(signal.reason));
    end.abort(signal.reason);
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return {
    channel: { ...channel, closed: AbortSignal.any([channel.closed, end.signal]) },
    over: () => signal.removeEventListener('abort', stop),
  };
}

/** git is ended when the client disconnects, and when the turn was too slow; then the client gets a message. */
function withinTurn(channel: GitChannel, turn: Turn): GitChannel {
  turn.tooSlow.addEventListener('abort', () => void channel.errors.write(TOO_SLOW), { once: true });
  return { ...channel, closed: AbortSignal.any([channel.closed, turn.tooSlow]), traffic: turn.traffic };
}
