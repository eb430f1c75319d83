import { renderError, toSlipwayError } from '../../shared/kit/errors.ts';
import { answerPush, type PushDeps } from './answer-push.ts';
import { boundedChannel } from './bounded-channel.ts';
import type { ServiceOptions } from './git/git.argv.ts';
import { hiddenCommitsDir } from './git/hidden-commits.ts';
import { encodePkt } from './git/pkt-line.ts';
import { receivePack, uploadPack, type ServiceRun } from './git/receive-pack.ts';
import {
  ensureRepository,
  keepPlanned,
  markPlanned,
  packsOf,
  removeRepository,
  repositoryPath,
} from './git/repository.ts';
import { DEFAULT_TURN_LIMITS, GitTurns, type Turn, type TurnLimits } from './git-turns.ts';
import { parseExec, type GitServiceName } from './parse-exec.ts';
import type { GitUser, PushApp, PushPolicy, ReceiveLimits } from './port.ts';
import { Quarantines } from './quarantines.ts';
import { packLimit, RefReservations, type PackLimit } from './repository-limits.ts';
import { RunningServices } from './running-services.ts';
import type { ExecRequest } from './ssh/session.ts';
import { cleanTerminalText } from './terminal-text.ts';

export interface GitServiceConfig {
  readonly reposDir: string;
  readonly hooksDir: string;
  /** Largest pack of one push. */
  readonly maxPackBytes: number;
  /** Memory limit of one git; default {@link GIT_MEMORY_BYTES}. */
  readonly gitMemoryBytes?: number | undefined;
  readonly turns?: Partial<TurnLimits> | undefined;
}

type Stay = ReturnType<PushPolicy['join']>;

/** Work that stores objects in the repository of an app without a git client. */
export interface ReceiveRequest {
  readonly app: PushApp;
  readonly user: GitUser;
  readonly signal: AbortSignal;
}

export interface Receiving {
  readonly repositoryDir: string;
  readonly limit: PackLimit;
  readonly traffic: Turn['traffic'];
  /** Aborts when the caller leaves, when the app is destroyed, and when the client is too slow while others wait. */
  readonly signal: AbortSignal;
}

/** One request whose app is known. */
interface Opened {
  readonly app: PushApp;
  readonly service: GitServiceName;
  readonly acceptedAtMs: number;
  /** Monotonic ms. */
  readonly startedAtMs: number;
}

/** One request whose turn it is. */
interface Admitted extends Opened {
  readonly request: ExecRequest;
  readonly stay: Stay;
  readonly repositoryDir: string;
  readonly turn: Turn;
}

const WAITING = 'Too many pushes and fetches are running. This one waits until another one ends.\n';

/** Serves git requests of authenticated users, without any code for SSH. */
export class GitService {
  readonly #config: GitServiceConfig;
  readonly #deps: PushDeps;
  readonly #running: RunningServices;
  readonly #quarantines: Quarantines;
  readonly #refReservations = new RefReservations();
  /** Turns of pushes until their objects are stored, and turns of fetches. Pushes and fetches do not wait for each other. */
  readonly #turns: { readonly receive: GitTurns; readonly send: GitTurns };

  constructor(config: GitServiceConfig, deps: PushDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#running = new RunningServices(deps);
    this.#quarantines = new Quarantines(deps.log);
    const limits = { ...DEFAULT_TURN_LIMITS, ...config.turns };
    this.#turns = { receive: new GitTurns(limits, deps.clock), send: new GitTurns(limits, deps.clock) };
  }

  /** Resolves with the exit code for the client, after the client got its errors. Never rejects. */
  async serve(request: ExecRequest, acceptedAtMs: number): Promise<number> {
    try {
      const run = await this.#start(request, acceptedAtMs);
      return await run.exitCode;
    } catch (error) {
      return this.refuse(request, error);
    }
  }

  /** Runs such work with the turns and the limits of a push. @throws what a push is refused with */
  async receive<T>(request: ReceiveRequest, work: (receiving: Receiving) => Promise<T>): Promise<T> {
    const { policy } = this.#deps;
    const { app, user } = request;
    await policy.awaitBuilder({ tell: () => undefined, signal: request.signal });
    const stay = policy.join(app.appId, request.signal);
    const { promise: settled, resolve: settle } = Promise.withResolvers<undefined>();
    try {
      const limits = await policy.beforeReceive(app, user);
      const repositoryDir = await ensureRepository(this.#config.reposDir, app.appId);
      const run = { exitCode: settled.then(() => 0), settled: settled.then(() => undefined) };
      this.#running.track(repositoryDir, run, async () => stay.signal.aborted && !(await policy.hasApp(app.appId)));
      const waiting = (): void => undefined;
      const turn = await this.#turns.receive.enter(user.userId, { signal: stay.signal, waiting });
      try {
        await this.#quarantines.ready(repositoryDir);
        const { bytes: usedBytes } = await packsOf(repositoryDir);
        const limit = packLimit({ app: app.name, usedBytes, maxPackBytes: this.#config.maxPackBytes, ...limits });
        const signal = AbortSignal.any([stay.signal, turn.tooSlow]);
        return await work({ repositoryDir, limit, traffic: turn.traffic, signal });
      } finally {
        turn.leave();
      }
    } finally {
      settle(undefined);
      stay.leave();
    }
  }

  /** Resolves when no push and no fetch runs. */
  async idle(): Promise<void> {
    await this.#running.idle();
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
      return await this.#runOpened(request, { app, service, acceptedAtMs, startedAtMs });
    } catch (error) {
      await this.#closeApp(user, app);
      throw error;
    }
  }

  async #runOpened(request: ExecRequest, opened: Opened): Promise<ServiceRun> {
    const stay = this.#deps.policy.join(opened.app.appId, request.channel.closed);
    try {
      return opened.service === 'receive-pack'
        ? await this.#runPush(request, opened, stay)
        : await this.#runFetch(request, opened, stay);
    } catch (error) {
      stay.leave();
      throw error;
    }
  }

  async #runFetch(request: ExecRequest, opened: Opened, stay: Stay): Promise<ServiceRun> {
    const admitted = await this.#admit(request, opened, stay);
    const { repositoryDir, turn } = admitted;
    try {
      await this.#quarantines.ready(repositoryDir);
      const { channel } = boundedChannel(request.channel, stay.signal, turn);
      const run = uploadPack(this.#serviceOptions(admitted), channel);
      return this.#running.track(repositoryDir, run, () => this.#end(admitted, turn.leave));
    } catch (error) {
      turn.leave();
      throw error;
    }
  }

  async #runPush(request: ExecRequest, opened: Opened, stay: Stay): Promise<ServiceRun> {
    const limits = await this.#deps.policy.beforeReceive(opened.app, request.identity.user);
    const admitted = await this.#admit(request, opened, stay);
    let { leave } = admitted.turn;
    try {
      const leaveQuarantine = await this.#quarantines.enter(admitted.repositoryDir);
      leave = () => {
        admitted.turn.leave();
        leaveQuarantine();
      };
      return await this.#receive(admitted, limits, leave);
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** @param leave releases the turn and the quarantine when git has stored the objects; may be called more than once */
  async #receive(admitted: Admitted, limits: ReceiveLimits, leave: () => void): Promise<ServiceRun> {
    const { app, request, repositoryDir, acceptedAtMs, startedAtMs } = admitted;
    const refs = this.#refReservations.open(repositoryDir, app.name);
    const receiveStartedAtMs = this.#deps.clock.monotonicMs();
    const timingsMs = { ssh: startedAtMs - acceptedAtMs, authorise: receiveStartedAtMs - startedAtMs };
    const { user } = request.identity;
    const session = { app, user, repositoryDir, acceptedAtMs, timingsMs, receiveStartedAtMs, refs };
    const decide = answerPush(this.#deps, session);
    const hidden = { hiddenCommitsDir: await hiddenCommitsDir(repositoryDir) };
    const options = { ...this.#serviceOptions(admitted), ...hidden };
    const { bytes: usedBytes } = await packsOf(repositoryDir);
    const packLimits = packLimit({ app: app.name, usedBytes, maxPackBytes: options.maxPackBytes, ...limits });
    const transfer = boundedChannel(request.channel, admitted.stay.signal, admitted.turn);
    const run = receivePack({ ...options, ...packLimits }, transfer.channel, (push, io) => {
      leave();
      transfer.over(); // from now on the deploy ends when the app is destroyed, and git reports the result
      return decide(push, io);
    });
    return this.#running.track(repositoryDir, run, () => {
      refs.leave();
      return this.#end(admitted, leave);
    });
  }

  /** Makes the repository and waits for a turn. */
  async #admit(request: ExecRequest, opened: Opened, stay: Stay): Promise<Admitted> {
    const { app, service } = opened;
    const writes = service === 'receive-pack';
    if (app.isNew === true) await markPlanned(this.#config.reposDir, app.appId);
    const repositoryDir = await ensureRepository(this.#config.reposDir, app.appId);
    if (writes) await this.#deps.failpoint('push.accepted');
    const turn = await this.#turns[writes ? 'receive' : 'send'].enter(request.identity.user.userId, {
      signal: stay.signal,
      waiting: () => void request.channel.errors.write(WAITING),
    });
    return { ...opened, request, stay, repositoryDir, turn };
  }

  #serviceOptions({ service, repositoryDir, request }: Admitted): ServiceOptions & { readonly maxPackBytes: number } {
    return {
      ...this.#config,
      memoryBytes: this.#config.gitMemoryBytes,
      service,
      repositoryDir,
      protocol: request.protocol,
    };
  }

  /** Resolves to true when the repository was removed. */
  async #end({ app, request, stay }: Admitted, leave: () => void): Promise<boolean> {
    leave();
    const isClosed = await this.#closeApp(request.identity.user, app);
    const isRemoved = isClosed || (stay.signal.aborted && !(await this.#deps.policy.hasApp(app.appId)));
    stay.leave();
    return isRemoved;
  }

  /** Removes the repository of a planned app that was not created. Resolves to true when it is removed. */
  async #closeApp(user: GitUser, app: PushApp): Promise<boolean> {
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

  /** Answers one request with an error, in the format of git. So the client prints only our message and hint, and nothing about "access rights". */
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
