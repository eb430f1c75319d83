import { BuilderPool } from '../../../controller/build/builder-pool.ts';
import { createFleet } from '../../../controller/dispatch/create-dispatch.ts';
import { Dispatcher } from '../../../controller/dispatch/dispatcher.ts';
import type { Fleet } from '../../../controller/dispatch/port.ts';
import type { PushOutcome } from '../../../controller/push/port.ts';
import { FleetObserver } from '../../../controller/observe/instance-events.ts';
import { createMovement } from '../../../controller/movement/create-movement.ts';
import { CronRuns } from '../../../controller/cron/cron-runs.ts';
import { CronScheduler } from '../../../controller/cron/scheduler.ts';
import { OneOffs } from '../../../controller/one-off/one-offs.ts';
import { PostDeployScripts } from '../../../controller/one-off/post-deploy.ts';
import { ReleaseCommand } from '../../../controller/one-off/release-command.ts';
import { StepRunner } from '../../../controller/one-off/step-runner.ts';
import { AppLifetimes } from '../../../controller/release/app-lifetimes.ts';
import { DeployAborts } from '../../../controller/release/deploy-aborts.ts';
import { BakeWatcher } from '../../../controller/release/bake-watcher.ts';
import { Deploys } from '../../../controller/release/deploy.ts';
import { Destroys } from '../../../controller/release/destroys.ts';
import { Formations } from '../../../controller/formation/formations.ts';
import { Restarts } from '../../../controller/formation/restarts.ts';
import { startReaper } from '../../../controller/assignments/reaper.ts';
import { Releases } from '../../../controller/release/releases.ts';
import { Rollbacks, type RolledBack } from '../../../controller/release/rollbacks.ts';
import { DEFAULT_ROLLOUT_POLICY } from '../../../controller/release/rollout-plan.ts';
import { Rollouts } from '../../../controller/release/rollout.ts';
import type { App } from '../../../controller/domain/apps.ts';
import type { Store } from '../../../controller/store/port.ts';
import type { InstanceId } from '../../../shared/domain/ids.ts';
import type { UserName } from '../../../shared/domain/names.ts';
import type { Slug } from '../../../shared/domain/slug.ts';
import type { Failpoint } from '../../../shared/kit/failpoint.ts';
import { KeyedQueue } from '../../../shared/kit/keyed-queue.ts';
import { KillPoint, Life, mortal } from './life.ts';
import type { ApiDeps, LookDeps } from '../../../controller/api/deps.ts';
import type { ConfigChanged } from '../../../controller/release/config-changes.ts';
import type { PushedCode } from './pushed-code.ts';
import type { Trace } from './trace.ts';
import type { VirtualClock } from './virtual-clock.ts';
import type { Wire } from './wire.ts';

export interface SimulatedControllerDeps {
  readonly store: Store;
  readonly clock: VirtualClock;
  readonly trace: Trace;
  readonly nextId: (prefix: string) => string;
  /** How long a transaction takes, ms. */
  readonly storeMs: () => number;
  readonly refs: Map<string, string>;
}

interface Running {
  readonly life: Life;
  readonly dispatcher: Dispatcher;
  readonly fleet: Fleet;
  readonly releases: Releases;
  readonly rollbacks: Rollbacks;
  readonly formations: Formations;
  readonly deploys: Deploys;
  readonly destroys: Destroys;
  readonly aborts: DeployAborts;
  readonly movement: ReturnType<typeof createMovement>;
  readonly cron: CronScheduler;
  readonly failpoint: Failpoint;
  readonly startedAtMs: number;
  readonly stop: AbortController;
  readonly wires: Set<Wire>;
}

const BUILD_MS = 100;
const NODES_BACK_MS = 30_000;

/** The controller. Its database and refs outlive a kill; all other parts are new after a start. It is composed like controller/compose.ts. */
export class SimulatedController {
  readonly #deps: SimulatedControllerDeps;
  #running: Running | undefined;
  readonly #killPoint = new KillPoint();

  constructor(deps: SimulatedControllerDeps) {
    this.#deps = deps;
  }

  get runs(): boolean {
    return this.#running !== undefined;
  }

  async start(): Promise<void> {
    const { clock, trace } = this.#deps;
    const life = new Life();
    const running = await this.#compose(life);
    this.#running = running;
    await running.dispatcher.start();
    startReaper({ store: this.#storeOf(life), fleet: running.fleet, log: trace.logger('controller') });
    void running.movement.reconcile();
    void this.#resume(running, mortal(clock, life));
    void running.cron.run(running.stop.signal);
  }

  /** kill -9. */
  kill(): void {
    const running = this.#running;
    this.#running = undefined;
    running?.life.end();
    running?.stop.abort();
    for (const wire of running?.wires ?? []) wire.cut();
  }

  /** kill -9 when it passes this failpoint. Undefined: at none. */
  killAt(point: string | undefined): void {
    this.#killPoint.set(point);
  }

  /** False while there is no controller. */
  accept(wire: Wire): boolean {
    if (this.#running === undefined) return false;
    this.#running.wires.add(wire);
    void this.#running.dispatcher.accept(wire.controllerEnd);
    return true;
  }

  connected(): number {
    return this.#running?.fleet.nodes().filter((node) => node.connected).length ?? 0;
  }

  /** A push whose build has this slug as its result. It never resolves if the controller dies. */
  push(app: App, { slug, scripts }: PushedCode, output: (text: string) => void): Promise<PushOutcome> {
    const running = this.#running;
    if (running === undefined) return Promise.resolve({ ok: false, reason: 'connection refused' });
    const push = {
      app: { appId: app.id, name: app.name },
      user: { userId: app.ownerId, name: 'ada' as never },
      ...{ repositoryDir: '', ref: 'refs/heads/main', oldCommit: '0'.repeat(40), newCommit: slug.commit },
      commit: { timeMs: 0, subject: '' },
      ...{ acceptedAtMs: this.#deps.clock.monotonicMs(), timingsMs: {} },
    };
    this.#slugs.set(slug.commit, slug);
    this.#scripts.set(slug.commit, scripts);
    return mortal(running.deploys, running.life).deploy(
      push,
      (text) => {
        output(String(text));
      },
      new AbortController().signal,
    );
  }

  /** Undefined while there is no controller. */
  get movement(): Running['movement'] | undefined {
    return this.#running?.movement;
  }

  /** The parts that commands read. Throws while there is no controller. */
  screens(): LookDeps & { readonly startedAtMs: number } {
    const { store, clock } = this.#deps;
    const { fleet, movement, formations, startedAtMs } = this.#running ?? refused();
    const builderPool = new BuilderPool({ store, builders: { available: () => [] } }, {});
    return { store, clock, fleet, movement, formations, builderPool, attachments: NO_ATTACHMENTS, startedAtMs };
  }

  setConfig(app: App, changes: Readonly<Record<string, string>>): Promise<ConfigChanged> {
    const running = this.#running;
    if (running === undefined) return Promise.reject(new Error('connection refused'));
    return mortal(running.releases, running.life).setConfig(app, app.ownerId, { changes });
  }

  rollBack(app: App, version: number | undefined): Promise<RolledBack> {
    const running = this.#running;
    if (running === undefined) return Promise.reject(new Error('connection refused'));
    return mortal(running.rollbacks, running.life).rollBack(app, app.ownerId, version);
  }

  destroy(app: App, by: UserName): Promise<void> {
    const running = this.#running;
    if (running === undefined) return Promise.reject(new Error('connection refused'));
    return mortal(running.destroys, running.life).destroy(app, by);
  }

  /** What `deploy:status` and `deploy:abort` need. */
  deployDeps(): Pick<ApiDeps, 'store' | 'fleet' | 'aborts' | 'attachments' | 'log'> {
    const { fleet, aborts, life } = this.#running ?? refused();
    const attachments = NO_ATTACHMENTS;
    const parts = { store: this.#deps.store, fleet, aborts, attachments, log: this.#deps.trace.logger('controller') };
    return { ...parts, store: mortal(parts.store, life), aborts: mortal(aborts, life) };
  }

  /** What renaming and maintenance need. */
  lifeDeps(): Pick<ApiDeps, 'store' | 'fleet' | 'failpoint'> {
    const { fleet, failpoint, life } = this.#running ?? refused();
    return { store: mortal(this.#deps.store, life), fleet: mortal(fleet, life), failpoint };
  }

  /** The instance operations of an operator. */
  formations(): Formations {
    const { formations, life } = this.#running ?? refused();
    return mortal(formations, life);
  }

  readonly #slugs = new Map<string, Slug>();
  /** `scripts` of app.json of each commit. */
  readonly #scripts = new Map<string, object | undefined>();

  #storeOf(life: Life): Store {
    const { store, clock, storeMs } = this.#deps;
    return mortal(store, life, (method) => (method === 'onEvents' ? undefined : clock.sleep(storeMs())));
  }

  #failpointOf(life: Life): Failpoint {
    return this.#killPoint.failpoint(life, (name) => {
      this.#deps.trace.say('test', `the controller is killed at ${name}`);
      this.kill();
    });
  }

  async #compose(life: Life): Promise<Running> {
    const { trace, nextId, refs } = this.#deps;
    const [store, clock, log, failpoint] = [
      this.#storeOf(life),
      mortal(this.#deps.clock, life),
      trace.logger('controller'),
      this.#failpointOf(life),
    ];
    const epoch = await store.newEpoch(nextId('epoch'));
    const limits = { unreachableAfterMs: 25_000, taskRejoinMs: 10_000, helloTimeoutMs: 10_000, refusalRetryMs: 30_000 };
    const dispatcher = new Dispatcher(
      { epoch, baseDomain: 'test', ...limits },
      { store, clock, logger: log, randomId: () => nextId('rnd'), failpoint },
    );
    dispatcher.registry.observer = new FleetObserver({ store, clock, log });
    const [lifetimes, aborts] = [new AppLifetimes(), new DeployAborts()];
    const [fleet, queue, policy] = [
      createFleet(dispatcher),
      new KeyedQueue((appId) => lifetimes.check(appId)),
      DEFAULT_ROLLOUT_POLICY,
    ];
    const moveRef = (app: App, ref: string | undefined, commit: string): Promise<void> => {
      this.#moveRef(refs, app, `${ref ?? '(none)'} ${commit}`);
      return Promise.resolve();
    };
    const git = mortal({ moveRef }, life);
    const newInstanceId = (): InstanceId => nextId('inst') as InstanceId;
    const rollouts = new Rollouts({
      ...{ store, fleet, clock, log, failpoint, policy, queue },
      moveRef: (app, ref, commit) => git.moveRef(app, ref, commit),
      newInstanceId,
    });
    const bakeWatcher = new BakeWatcher({
      store,
      fleet,
      rollouts,
      queue,
      clock,
      log,
      newInstanceId,
      failpoint,
      bakeMs: policy.bakeMs,
    });
    const history = { grown: () => undefined };
    const { commands } = dispatcher;
    const oneOffs = new OneOffs({ store, fleet, commands, randomId: () => nextId('task') });
    const cronRuns = new CronRuns({ store, oneOffs, commands, failpoint });
    const { roomTimeoutMs } = policy;
    const steps = new StepRunner({ store, oneOffs, commands, clock, log, roomTimeoutMs });
    const phase = new ReleaseCommand({ steps, failpoint });
    const { signal } = new AbortController();
    const postDeploy = new PostDeployScripts({ store, steps, lifetimes, aborts, failpoint, log, signal });
    const releases = new Releases({
      phase,
      postDeploy,
      store,
      rollouts,
      bakeWatcher,
      queue,
      lifetimes,
      aborts,
      history,
      failpoint,
      log,
      signal: new AbortController().signal,
    });
    const unusedImages = { during: <T>(work: () => Promise<T>) => work(), note: () => undefined };
    const rollbacks = new Rollbacks({ store, releases, queue, unusedImages, hasImage: () => Promise.resolve(true) });
    const restartDeps = {
      store,
      fleet,
      clock,
      log,
      policy,
      newInstanceId,
      signal: new AbortController().signal,
    };
    const formations = new Formations({ ...restartDeps, restarts: new Restarts(restartDeps), queue, failpoint });
    const deploys = new Deploys({
      ...{ store, releases, postDeploy, fleet, queue, lifetimes, aborts, history, clock, log, failpoint },
      unusedImages,
      builds: { build: (request) => this.#build(store, clock, request) },
      findSource: () => Promise.resolve(() => Promise.reject(new Error('nobody fetches it'))),
      commitTimeMs: () => Promise.resolve(0),
      readAppJson: ({ newCommit }) => {
        const scripts = this.#scripts.get(newCommit);
        return Promise.resolve(scripts === undefined ? undefined : Buffer.from(JSON.stringify({ scripts })));
      },
      randomSecret: () => 'f'.repeat(64),
      urlOf: (app) => `http://${app.name}.test`,
    });
    const stop = new AbortController();
    const destroys = new Destroys({
      ...{ store, fleet, lifetimes, queue, clock, log, failpoint, signal: stop.signal },
      removeRepository: () => Promise.resolve(),
      removeUnused: () => Promise.resolve(),
    });
    const movement = createMovement({
      ...{ store, fleet, commands, queue, clock, log, lostAfterMs: 60_000, signal: stop.signal },
      newInstanceId,
    });
    const startedAtMs = clock.monotonicMs();
    return {
      life,
      dispatcher,
      fleet,
      releases,
      rollbacks,
      formations,
      deploys,
      destroys,
      aborts,
      movement,
      failpoint,
      cron: new CronScheduler({ store, runs: cronRuns, clock, log }),
      startedAtMs,
      stop,
      wires: new Set(),
    };
  }

  #moveRef(refs: Map<string, string>, app: App, to: string): void {
    if (refs.get(app.id) === to) return;
    refs.set(app.id, to);
    this.#deps.trace.say('git', `${app.name} ${to.split(' ')[0] ?? ''} → ${(to.split(' ')[1] ?? '').slice(0, 7)}`);
  }

  async #build(
    store: Store,
    clock: Pick<VirtualClock, 'sleep'>,
    request: Parameters<ConstructorParameters<typeof Deploys>[0]['builds']['build']>[0],
  ): ReturnType<ConstructorParameters<typeof Deploys>[0]['builds']['build']> {
    const build = await store.createBuild({ appId: request.app.id, userId: request.userId, commit: request.commit });
    await store.setBuildState(build.id, 'running');
    const { signal } = request;
    await clock.sleep(BUILD_MS, signal).catch(async () => {
      await store.setBuildState(build.id, 'cancelled');
      signal.throwIfAborted();
    });
    await store.setBuildState(build.id, 'succeeded');
    const slug = this.#slugs.get(request.commit);
    if (slug === undefined) throw new Error('no such commit');
    return { build, result: { slug, stats: { timingsMs: {}, sourceBytes: 0, uploadedBytes: 0 } } };
  }

  /** The same as in controller/main.ts. */
  async #resume(running: Running, clock: Pick<VirtualClock, 'sleep' | 'monotonicMs'>): Promise<void> {
    const store = this.#storeOf(running.life);
    const apps = await store.deployedApps();
    const ready = async (): Promise<void> => {
      const expected = (await store.nodes()).length;
      const untilMs = clock.monotonicMs() + NODES_BACK_MS;
      const connected = (): number => running.fleet.nodes().filter((node) => node.connected).length;
      while (connected() < expected && clock.monotonicMs() < untilMs) await clock.sleep(100);
    };
    await running.releases.resume(apps, ready);
    await mortal(running.formations, running.life).resume(apps, ready);
  }
}

/** No user has a session in an instance. */
const NO_ATTACHMENTS: ApiDeps['attachments'] = { add: () => refused(), list: () => [] };

function refused(): never {
  throw new Error('connection refused');
}
