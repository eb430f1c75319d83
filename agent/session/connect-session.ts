import { CHECK_PROBES } from '../../shared/domain/health-check.ts';
import type { TaskId } from '../../shared/domain/ids.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import { TASK_KINDS } from '../../shared/domain/task.ts';
import { backoffDelayMs, type BackoffPolicy } from '../../shared/kit/backoff.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { describeCauses } from '../../shared/kit/errors.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Welcome } from '../../shared/rpc/messages.ts';
import { createChannels, type OpenChannel } from './channel.ts';
import { Connection } from './connection.ts';
import { explainFailure, isUnexplained, type SessionFailure } from './explain-failure.ts';
import { readNodeTls, type NodeTls } from './node-files.ts';
import { Outbox } from './outbox.ts';
import { probeTls } from './probe.ts';
import type { Session, SessionHandlers } from './port.ts';

export interface SessionConfig {
  /** The controller's agent port, `host:port`. */
  readonly address: string;
  /** Holds key, certificate and CA (see join.ts). They are read at every connect. */
  readonly stateDir: string;
  readonly serverName?: string | undefined;
  readonly keepaliveTimeMs?: number | undefined;
  readonly keepaliveTimeoutMs?: number | undefined;
  readonly connectTimeoutMs?: number | undefined;
  readonly backoff?: BackoffPolicy | undefined;
}

export interface SessionDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** In [0, 1). */
  readonly random: () => number;
  /** Default: a channel factory of its own. Many sessions in one process can share one factory. */
  readonly openChannel?: OpenChannel | undefined;
}

export interface OpenSession extends Session {
  /** Ends the session for ever. Resolves when nothing of it runs any more. */
  close(): Promise<void>;
}

const BACKOFF: BackoffPolicy = { firstMs: 100, maxMs: 10_000, factor: 2 };
/** After a session of this length, the back-off starts again from its first delay. */
const BACKOFF_RESET_MS = 5_000;
const LOG_EVERY_MS = 10_000;

/** Keeps a session with the controller until `close`. */
export function connectSession(config: SessionConfig, handlers: SessionHandlers, deps: SessionDeps): OpenSession {
  const keeper = new SessionKeeper(config, handlers, deps);
  const stopped = keeper.keepConnected();
  return {
    get connected() {
      return keeper.connected;
    },
    reportInstances: (statuses) => keeper.whileConnected((outbox) => outbox.report(statuses)),
    destroyedAck: (appIds) => keeper.whileConnected((outbox) => outbox.control({ kind: 'destroyedAck', appIds })),
    switchFigures: (figures) =>
      keeper.whileConnected((outbox) => outbox.control({ kind: 'switchFigures', ...figures })),
    certificatesServed: (served) =>
      keeper.whileConnected((outbox) => outbox.control({ kind: 'certificatesServed', ...served })),
    event: ({ reason, app, process }) =>
      keeper.whileConnected((outbox) =>
        outbox.control({ kind: 'nodeEvent', atMs: deps.clock.nowMs(), reason, app, process }),
      ),
    taskOutput: (taskId, chunk) => keeper.put((outbox) => outbox.output(taskId, chunk)),
    taskResult: (taskId, outcome) => keeper.put((outbox) => outbox.result(taskId, outcome)),
    close: async () => {
      keeper.close();
      await stopped;
    },
  };
}

class SessionKeeper {
  readonly #config: SessionConfig;
  readonly #handlers: SessionHandlers;
  readonly #deps: SessionDeps;
  readonly #outbox = new Outbox();
  readonly #openChannel: OpenChannel;
  readonly #stop = new AbortController();
  readonly #keepalive: { readonly keepaliveTimeMs: number; readonly keepaliveTimeoutMs: number };
  #connection: Connection | undefined;
  #loggedAtMs = -Infinity;
  #welcomeLoggedAtMs = -Infinity;
  #failures = 0;

  constructor(config: SessionConfig, handlers: SessionHandlers, deps: SessionDeps) {
    this.#config = config;
    this.#handlers = handlers;
    this.#deps = deps;
    this.#openChannel = deps.openChannel ?? createChannels();
    this.#keepalive = {
      keepaliveTimeMs: config.keepaliveTimeMs ?? 20_000,
      keepaliveTimeoutMs: config.keepaliveTimeoutMs ?? 10_000,
    };
  }

  get connected(): boolean {
    return this.#connection?.welcomed === true;
  }

  whileConnected(put: (outbox: Outbox) => void): void {
    if (this.connected) this.put(put);
  }

  put(put: (outbox: Outbox) => void): void {
    put(this.#outbox);
    this.#connection?.planSend();
  }

  close(): void {
    this.#stop.abort();
    this.#connection?.end('closing');
  }

  /** Connects again and again until `close`. */
  async keepConnected(): Promise<void> {
    const { clock, random } = this.#deps;
    let attempt = 0;
    while (!this.#stop.signal.aborted) {
      const startedAtMs = clock.monotonicMs();
      await this.#connectOnce();
      if (clock.monotonicMs() - startedAtMs >= BACKOFF_RESET_MS) attempt = 0;
      const delayMs = backoffDelayMs(this.#config.backoff ?? BACKOFF, attempt, random());
      attempt += 1;
      await clock.sleep(delayMs, this.#stop.signal).catch(() => undefined);
    }
  }

  /** One session, or one failed attempt. Never rejects. */
  async #connectOnce(): Promise<void> {
    let tls: NodeTls | undefined;
    try {
      tls = await readNodeTls(this.#config.stateDir);
      await this.#logFailure(await this.#session(tls), tls);
    } catch (error) {
      await this.#logFailure({ details: describeCauses(error) }, tls);
    }
  }

  async #session(tls: NodeTls): Promise<SessionFailure> {
    const hello = await this.#handlers.hello();
    const { keepaliveTimeMs, keepaliveTimeoutMs } = this.#keepalive;
    const channel = this.#openChannel(tls, { ...this.#config, ...this.#keepalive });
    try {
      if (this.#stop.signal.aborted) return { details: 'closing' };
      this.#connection = new Connection(channel.open(), {
        ...this.#deps,
        outbox: this.#outbox,
        handlers: this.#handlers,
        connectTimeoutMs: this.#config.connectTimeoutMs ?? 15_000,
        confirmAfterMs: keepaliveTimeMs + keepaliveTimeoutMs,
        onWelcome: (welcome) => {
          this.#logWelcome(welcome);
          this.#handlers.welcomed?.(welcome.tasks ?? []);
        },
      });
      const runningTaskIds: readonly TaskId[] = [...new Set([...hello.runningTaskIds, ...this.#outbox.undelivered()])];
      const takesAttach = this.#handlers.openAttach !== undefined;
      const countsSwitches = this.#handlers.countSwitches !== undefined;
      const takes = {
        countsSwitches,
        ...{ takesFleetRoutes: true, takesReleases: true, takesEgress: true, takesDestroyed: true, takesAttach },
        ...{ routesByAppId: true, takesMaintenance: true, takesCacheNumber: true, takesCertificates: true },
        takesEdgeSettings: true,
      };
      const own = { ...hello, runningTaskIds, taskKinds: TASK_KINDS, checkProbes: CHECK_PROBES };
      return await this.#connection.serve({ kind: 'hello', ...own, ...takes });
    } finally {
      this.#connection = undefined;
      channel.close();
    }
  }

  #logWelcome({ nodeName, versionMismatch }: Welcome): void {
    const now = this.#deps.clock.monotonicMs();
    if (now - this.#welcomeLoggedAtMs >= LOG_EVERY_MS) {
      this.#welcomeLoggedAtMs = now;
      this.#deps.logger.info({ node: nodeName, failedTries: this.#failures }, 'session.opened');
      if (versionMismatch !== undefined) this.#logVersion(versionMismatch);
    }
    this.#failures = 0;
  }

  #logVersion({ code, message, hint = 'slipway nodes' }: Reason): void {
    this.#deps.logger.warn({ code, message, hint }, 'session.version_differs');
  }

  /** Logs at most one line in 10 s. */
  async #logFailure(failure: SessionFailure, tls: NodeTls | undefined): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#failures += 1;
    const { clock, logger } = this.#deps;
    if (clock.monotonicMs() - this.#loggedAtMs < LOG_EVERY_MS) return;
    this.#loggedAtMs = clock.monotonicMs();
    const { address, serverName } = this.#config;
    const probed =
      tls !== undefined && isUnexplained(failure) ? await probeTls({ address, serverName, tls, clock }) : '';
    const known = { ...failure, details: probed === '' ? failure.details : probed };
    const reason = explainFailure(known, { address, nowMs: clock.nowMs(), certificate: tls?.certificate });
    logger.warn({ tries: this.#failures, reason, details: known.details.slice(0, 300) }, 'session.not_opened');
  }
}
