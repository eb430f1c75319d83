import { join } from 'node:path';
import ssh2, { type Connection } from 'ssh2';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import { renderError } from '../../shared/kit/errors.ts';
import { quotaReached } from '../access/quota-error.ts';
import { ArchiveDeploys } from './archive/archive-deploys.ts';
import { sweepUnfinished } from './git/repository.ts';
import { GitService } from './git-service.ts';
import type { TurnLimits } from './git-turns.ts';
import type { PushPolicy } from './port.ts';
import { PushQueue } from './push-queue.ts';
import { ALGORITHMS } from './ssh/algorithms.ts';
import { endBecause } from './ssh/auth-messages.ts';
import { authenticate, SpareKeys, type Identity } from './ssh/authenticate.ts';
import { endWhenRemoved } from './ssh/end-when-removed.ts';
import { loadHostKey } from './ssh/host-key.ts';
import type { WatchedSocket } from '../access/connection-limiter.ts';
import { DEFAULT_LIMITS, Listener, type ListenerLimits } from './ssh/listener.ts';
import { acceptSessions } from './ssh/session.ts';
import { UserConnections } from './ssh/user-connections.ts';

export interface GitServerConfig {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Folder of the host key. */
  readonly stateDir: string;
  /** Folder with `<appId>.git` for each app. */
  readonly reposDir: string;
  /** Largest pack of one push; default 1 GiB. */
  readonly maxPackBytes?: number | undefined;
  readonly gitMemoryBytes?: number | undefined;
  readonly turns?: Partial<TurnLimits> | undefined;
  readonly limits?: Partial<ListenerLimits> | undefined;
}

export interface GitServerDeps {
  readonly policy: PushPolicy;
  readonly clock: Clock;
  readonly log: Logger;
  readonly failpoint: Failpoint;
}

export interface GitServerAddress {
  readonly host: string;
  readonly port: number;
  /** Fingerprint of the host key, as ssh shows it. */
  readonly fingerprint: string;
  /** `ssh-ed25519 AAAA…` for known_hosts. */
  readonly publicKey: string;
}

export interface GitServer {
  /** @throws SLIP_PUSH_PORT, SLIP_PUSH_HOST_KEY */
  listen(): Promise<GitServerAddress>;
  /** Accepts no more connections, cancels the work that can be cancelled, and waits for the rest. */
  close(): Promise<void>;
  /** Deploys of archives share the repositories and the limits of pushes. */
  readonly archives: ArchiveDeploys;
  /** Set once it listens. */
  readonly address: GitServerAddress | undefined;
}

const DEFAULT_MAX_PACK_BYTES = 1024 ** 3;
/** How long a refused connection stays open, so that its client gets the reason. */
const REFUSED_MS = 5_000;
const HOOKS_DIR = join(import.meta.dirname, 'hooks');

/** The git server of the controller: SSH connections in, pushes to the push policy. */
export function createGitServer(config: GitServerConfig, deps: GitServerDeps): GitServer {
  const service = new GitService(
    { ...config, hooksDir: HOOKS_DIR, maxPackBytes: config.maxPackBytes ?? DEFAULT_MAX_PACK_BYTES },
    { ...deps, queue: new PushQueue() },
  );
  const deploy: PushPolicy['deploy'] = (push, output, signal) => deps.policy.deploy(push, output, signal);
  const archives = new ArchiveDeploys({ service, deploy, clock: deps.clock });
  let listener: Listener | undefined;
  let address: GitServerAddress | undefined;
  return {
    archives,
    get address() {
      return address;
    },
    listen: async () => {
      const hostKey = await loadHostKey(config.stateDir);
      await sweepUnfinished(config.reposDir, (appId) => deps.policy.hasApp(appId));
      const limits = { ...DEFAULT_LIMITS, ...config.limits };
      const server = new ssh2.Server({
        hostKeys: [hostKey.privateKey],
        algorithms: mutable(ALGORITHMS),
        ident: 'slipway',
      });
      const onSocket = ({ socket }: WatchedSocket): void => {
        server.injectSocket(socket);
      };
      listener = new Listener(limits, { ...deps, onSocket });
      serveConnections(server, listener, {
        ...deps,
        ...limits,
        users: new UserConnections(),
        service,
        spareKeys: new SpareKeys(),
      });
      const { port } = await listener.listen(config.host, config.port);
      address = { host: config.host, port, fingerprint: hostKey.fingerprint, publicKey: hostKey.publicKey };
      deps.log.info({ host: config.host, port, fingerprint: hostKey.fingerprint }, 'ssh.listening');
      return address;
    },
    close: async () => {
      listener?.stopAccepting();
      listener?.destroyAll();
      await service.idle();
    },
  };
}

interface ConnectionDeps extends GitServerDeps {
  readonly users: UserConnections;
  readonly maxPerUser: number;
  readonly spareKeys: SpareKeys;
  readonly service: GitService;
}

/** ssh2 reports a connection after the client's first line. The listener finds the socket of this connection. */
function serveConnections(server: ssh2.Server, listener: Listener, deps: ConnectionDeps): void {
  server.on('connection', (connection, info) => {
    const watched = listener.find({ remoteAddress: info.ip, remotePort: info.port });
    connection.on('error', (error) => {
      deps.log.debug({ address: info.ip, err: error }, 'ssh.connection_failed');
    });
    if (watched === undefined) connection.end();
    else serveConnection(connection, watched, { ...deps, authenticated: () => listener.authenticated(watched.socket) });
  });
}

function serveConnection(
  connection: Connection,
  watched: WatchedSocket,
  deps: ConnectionDeps & { readonly authenticated: () => void },
): void {
  let sessionFromMs = watched.acceptedAtMs;
  authenticate(connection, deps, (identity) => {
    deps.authenticated();
    const { user } = identity;
    const max = user.maxConnections ?? deps.maxPerUser;
    const verdict = deps.users.add(user.userId, watched.socket, max);
    if (verdict !== 'serve') {
      deps.log.warn({ user: user.name, address: watched.socket.remoteAddress }, 'ssh.refused_user');
      if (verdict === 'drop') watched.socket.destroy();
      else refuseUser(connection, identity, { ...deps, max, socket: watched.socket });
      return;
    }
    deps.log.debug({ user: identity.user.name, fingerprint: identity.fingerprint }, 'ssh.authenticated');
    endWhenKeyRemoved(connection, watched, { ...deps, identity });
    acceptSessions(connection, identity, (request) => deps.service.serve(request, sessionFromMs));
    // On a kept connection (ControlMaster) the next push begins with its own channel.
    let sessions = 0;
    connection.on('session', () => {
      if (sessions > 0) sessionFromMs = deps.clock.monotonicMs();
      sessions += 1;
    });
  });
}

/** A push whose release is stored continues. Everything else of the connection ends. */
function endWhenKeyRemoved(
  connection: Connection,
  { socket, closed }: WatchedSocket,
  { policy, clock, log, identity }: ConnectionDeps & { readonly identity: Identity },
): void {
  const { user, fingerprint } = identity;
  const removed = policy.untilKeyRemoved(user, fingerprint, closed);
  const say = (reason: string): void => {
    log.info({ user: user.name, fingerprint }, 'ssh.key_removed');
    endBecause(connection, reason);
  };
  endWhenRemoved(socket, { removed, clock, say });
}

/** Answers the first request with the reason, then ends the connection. A client without a request is disconnected. */
function refuseUser(
  connection: Connection,
  identity: Identity,
  { service, clock, max, socket }: ConnectionDeps & { readonly max: number; readonly socket: WatchedSocket['socket'] },
): void {
  const error = quotaReached({ name: 'connections', max, user: identity.user.name });
  acceptSessions(connection, { ...identity, refusedReason: renderError(error) }, (request) =>
    Promise.resolve(service.refuse(request, error)),
  );
  socket.once(
    'close',
    callAfter(clock, REFUSED_MS, () => socket.destroy()),
  );
}

/** The types of ssh2 require mutable arrays. */
function mutable(lists: typeof ALGORITHMS): NonNullable<ssh2.ServerConfig['algorithms']> {
  const { kex, serverHostKey, cipher, hmac, compress } = lists;
  return {
    kex: [...kex],
    serverHostKey: [...serverHostKey],
    cipher: [...cipher],
    hmac: [...hmac],
    compress: [...compress],
  };
}
