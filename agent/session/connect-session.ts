import type { TaskId } from '../../shared/domain/ids.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import { backoffDelayMs, type BackoffPolicy } from '../../shared/kit/backoff.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { describeCauses } from '../../shared/kit/errors.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Welcome } from '../../shared/rpc/messages.ts';
import { createChannels, type OpenChannel } from './channel.ts';
import { Connection } from './connection.ts';
import { explainTrouble, isVague, type Trouble } from './explain.ts';
import { readNodeTls, type NodeTls } from './node-files.ts';
import { Outbox } from './outbox.ts';
import { probeTls } from './probe.ts';
import type { Session, SessionHandlers } from './port.ts';

export interface SessionConfig {
  /** The controller's agent port, `host:port`. */
  readonly address: string;
  /** Holds key, certificate and CA (see join); read again at every connect. */
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
  /** Where many sessions share a process, the contract need not be read for each. */
  readonly openChannel?: OpenChannel | undefined;
}

export interface OpenSession extends Session {
  /** Ends the session for good; resolves when nothing runs any more. */
  close(): Promise<void>;
}

const BACKOFF: BackoffPolicy = { firstMs: 100, maxMs: 10_000, factor: 2 };
/** A session that lasted this long was a good one: the next failure starts the back-off anew. */
const GOOD_SESSION_MS = 5_000;
const LOG_EVERY_MS = 10_000;

/** Keeps a session with the controller for as long as the agent lives. */
export function connectSession(config: SessionConfig, handlers: SessionHandlers, deps: SessionDeps): OpenSession {
  const keeper = new SessionKeeper(config, handlers, deps);
  const running = keeper.run();
  return {
    get connected() {
      return keeper.connected;
    },
    reportInstances: (statuses) => keeper.whileConnected((outbox) => outbox.report(statuses)),
    destroyedAck: (appIds) => keeper.whileConnected((outbox) => outbox.control({ kind: 'destroyedAck', appIds })),
    event: ({ reason, app, process }) =>
      keeper.whileConnected((outbox) =>
        outbox.control({ kind: 'nodeEvent', atMs: deps.clock.nowMs(), reason, app, process }),
      ),
    taskOutput: (taskId, chunk) => keeper.put((outbox) => outbox.output(taskId, chunk)),
    taskResult: (taskId, outcome) => keeper.put((outbox) => outbox.result(taskId, outcome)),
    close: async () => {
      keeper.close();
      await running;
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
    this.#connection?.plan();
  }

  close(): void {
    this.#stop.abort();
    this.#connection?.end('closing');
  }

  async run(): Promise<void> {
    const { clock, random } = this.#deps;
    let attempt = 0;
    while (!this.#stop.signal.aborted) {
      const startedAtMs = clock.monotonicMs();
      await this.#once();
      if (clock.monotonicMs() - startedAtMs >= GOOD_SESSION_MS) attempt = 0;
      const delayMs = backoffDelayMs(this.#config.backoff ?? BACKOFF, attempt, random());
      attempt += 1;
      await clock.sleep(delayMs, this.#stop.signal).catch(() => undefined);
    }
  }

  /** One session, or one failed try. Never rejects. */
  async #once(): Promise<void> {
    let tls: NodeTls | undefined;
    try {
      tls = await readNodeTls(this.#config.stateDir);
      await this.#logTrouble(await this.#session(tls), tls);
    } catch (error) {
      await this.#logTrouble({ details: describeCauses(error) }, tls);
    }
  }

  async #session(tls: NodeTls): Promise<Trouble> {
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
          this.#handlers.welcomed?.();
        },
      });
      const runningTaskIds: readonly TaskId[] = [...new Set([...hello.runningTaskIds, ...this.#outbox.undelivered()])];
      const takes = { takesFleetRoutes: true, takesReleases: true, takesEgress: true, takesDestroyed: true };
      return await this.#connection.run({ kind: 'hello', ...hello, runningTaskIds, ...takes });
    } finally {
      this.#connection = undefined;
      channel.close();
    }
  }

  #logWelcome({ nodeName, versionTrouble }: Welcome): void {
    const now = this.#deps.clock.monotonicMs();
    if (now - this.#welcomeLoggedAtMs >= LOG_EVERY_MS) {
      this.#welcomeLoggedAtMs = now;
      this.#deps.logger.info({ node: nodeName, failedTries: this.#failures }, 'session.opened');
      if (versionTrouble !== undefined) this.#logVersion(versionTrouble);
    }
    this.#failures = 0;
  }

  #logVersion({ code, message, hint = 'slipway nodes' }: Reason): void {
    this.#deps.logger.warn({ code, message, hint }, 'session.version_differs');
  }

  /** At most one line in 10 s, however fast the tries. */
  async #logTrouble(trouble: Trouble, tls: NodeTls | undefined): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#failures += 1;
    const { clock, logger } = this.#deps;
    if (clock.monotonicMs() - this.#loggedAtMs < LOG_EVERY_MS) return;
    this.#loggedAtMs = clock.monotonicMs();
    const { address, serverName } = this.#config;
    const probed = tls !== undefined && isVague(trouble) ? await probeTls({ address, serverName, tls, clock }) : '';
    const known = { ...trouble, details: probed === '' ? trouble.details : probed };
    const why = explainTrouble(known, { address, nowMs: clock.nowMs(), certificate: tls?.certificate });
    logger.warn({ tries: this.#failures, reason: why, details: known.details.slice(0, 300) }, 'session.not_opened');
  }
}
