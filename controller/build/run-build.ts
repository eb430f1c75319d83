import { toReason } from '../../shared/domain/instance.ts';
import { randomBytes } from 'node:crypto';
import { DEFAULT_BUILD_LIMITS } from '../../shared/domain/assignment.ts';
import type { BuildResult, BuildTask } from '../../shared/domain/build.ts';
import type { BuildSettings } from '../../shared/domain/build-settings.ts';
import { checkConfigSize } from '../../shared/domain/config-size.ts';
import type { BuildId, NodeId, TaskId } from '../../shared/domain/ids.ts';
import { renderError, SlipwayError, toSlipwayError, TROUBLE } from '../../shared/kit/errors.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import { LineOutput } from '../../shared/kit/line-output.ts';
import type { App } from '../domain/apps.ts';
import type { Build } from '../domain/builds.ts';
import type { Store } from '../store/port.ts';
import type { User } from '../domain/users.ts';
import { quotaReached } from '../access/quota-error.ts';
import { BuildQueue } from './build-queue.ts';
import { BUILD_FAILURES } from '../dispatch/task-failures.ts';
import type { BuildLogs } from './build-log.ts';
import type { BuilderPool } from './builder-pool.ts';
import type { Builders, TaskSources } from './port.ts';

export interface BuildsDeps {
  readonly store: Store;
  readonly builders: Pick<Builders, 'runBuild'>;
  readonly pool: Pick<BuilderPool, 'choose'>;
  readonly logs: BuildLogs;
  readonly failpoint: Failpoint;
  readonly limits: BuildPolicy;
}

export interface BuildPolicy {
  readonly timeoutMs: number;
  readonly slugLimitBytes: number;
  readonly outputLimitBytes: number;
}

/** The limits of Heroku: 15 minutes, 500 MB compressed. */
export const DEFAULT_BUILD_POLICY: BuildPolicy = Object.freeze({
  timeoutMs: 15 * 60_000,
  slugLimitBytes: 500 * 1024 * 1024,
  outputLimitBytes: 10 * 1024 * 1024,
});

/**
 * Finds the source of the commit, or of its folder `root`. The returned function opens the source when the builder asks for it.
 * @throws SLIP_BUILD_ROOT_ABSENT
 */
export type FindSource = (root: string | undefined) => Promise<() => Promise<NodeJS.ReadableStream>>;

export interface BuildRequest {
  readonly app: App;
  readonly userId: User['id'];
  readonly commit: string;
  readonly commitTimeMs: number;
  readonly findSource: FindSource;
  readonly output: (chunk: string | Uint8Array) => void;
  readonly signal: AbortSignal;
}

/** Prints an error that occurs before the build has a log. */
function reportAndRethrow(error: unknown, output: BuildRequest['output']): never {
  const known = toSlipwayError(error);
  output(renderError(known, TROUBLE));
  throw known;
}

/** Runs builds on agents. The controller itself never runs code of an app. */
export class Builds implements TaskSources {
  readonly #deps: BuildsDeps;
  readonly #sources = new Map<TaskId, { readonly node: NodeId; readonly open: () => Promise<NodeJS.ReadableStream> }>();

  readonly #queue = new BuildQueue();
  readonly #running = new Map<BuildId, { readonly controller: AbortController; readonly ended: Promise<void> }>();

  /** Builds that have ended, but whose end could not be written, for example because the disk was full. */
  readonly #unwritten = new Set<BuildId>();

  constructor(deps: BuildsDeps) {
    this.#deps = deps;
  }

  /**
   * Builds a commit when the quota of the user allows it. The build row and its output are kept also when the build fails.
   * @throws SLIP_BUILD_*, SLIP_BUILDER_LOST, SLIP_QUOTA
   */
  async build(request: BuildRequest): Promise<{ build: Build; result: BuildResult }> {
    const release = await this.#waitForSlot(request);
    try {
      return await this.#runNow(request);
    } finally {
      release();
    }
  }

  async #waitForSlot({ userId, output, signal }: BuildRequest): Promise<() => void> {
    const { store } = this.#deps;
    const max = await store.quotaOf(userId, 'builds');
    const user = (await store.userById(userId))?.name ?? '';
    if (max === 0) return reportAndRethrow(quotaReached({ name: 'builds', max, user }), output);
    const onWait = (): void =>
      output(
        `User ${user} has ${String(max)} running builds, which is the limit of the quota. This push waits until one of them ends.\n`,
      );
    return this.#queue.acquire(userId, { max, signal, onWait });
  }

  async #runNow(request: BuildRequest): Promise<{ build: Build; result: BuildResult }> {
    const { store } = this.#deps;
    if (this.#unwritten.size > 0) await this.#writeEnds();
    const build = await store
      .createBuild({ appId: request.app.id, userId: request.userId, commit: request.commit })
      .catch((error: unknown) => reportAndRethrow(error, request.output));
    const { promise: ended, resolve } = Promise.withResolvers<undefined>();
    const controller = new AbortController();
    this.#running.set(build.id, { controller, ended });
    try {
      const signal = AbortSignal.any([request.signal, controller.signal]);
      return await this.#runStored({ ...request, signal }, build);
    } finally {
      this.#running.delete(build.id);
      resolve(undefined);
    }
  }

  /** Resolves when the build has ended. Its push prints the reason. @returns false when the build does not run */
  async cancel(id: BuildId, reason: SlipwayError): Promise<boolean> {
    const running = this.#running.get(id);
    running?.controller.abort(reason);
    await running?.ended;
    return running !== undefined;
  }

  async #runStored(request: BuildRequest, build: Build): Promise<{ build: Build; result: BuildResult }> {
    const { store } = this.#deps;
    const log = await this.#deps.logs.writer(build.id);
    const output = new LineOutput((chunk) => {
      log.write(chunk);
      request.output(chunk);
    });
    try {
      const result = await this.#onBuilder(request, build, (chunk) => {
        output.write(chunk);
      });
      await this.#deps.failpoint('build.built');
      await store.setBuildState(build.id, 'succeeded', { timingsMs: result.stats.timingsMs });
      return { build, result };
    } catch (error) {
      const known = toSlipwayError(error);
      output.say(renderError(known, TROUBLE));
      const state = request.signal.aborted ? 'cancelled' : 'failed';
      await store
        .setBuildState(build.id, state, { failure: toReason(known) })
        .catch(() => this.#unwritten.add(build.id));
      throw known;
    } finally {
      await log.end();
    }
  }

  async #onBuilder(request: BuildRequest, build: Build, output: (chunk: Uint8Array) => void): Promise<BuildResult> {
    const settings = await this.#deps.store.buildSettings(request.app.id);
    const { root } = settings;
    const openSource = await request.findSource(root);
    if (root !== undefined) output(Buffer.from(`-----> Building the folder ${root} of the repository (apps:root)\n`));
    const node = this.#deps.pool.choose(request.app);
    const task = await this.#task(request, settings);
    this.#sources.set(task.taskId, { node: node.nodeId, open: openSource });
    await this.#deps.store.noteAppNode(request.app.id, node.nodeId);
    await this.#deps.store.setBuildState(build.id, 'running');
    try {
      await this.#deps.failpoint('build.started');
      const { signal } = request;
      const run = { node: node.nodeId, task, buildId: build.id, output, signal };
      return checkResult(await this.#deps.builders.runBuild(run), { task, builder: node.name });
    } finally {
      this.#sources.delete(task.taskId);
    }
  }

  async #task(request: BuildRequest, settings: BuildSettings): Promise<BuildTask> {
    const { app, commit, commitTimeMs } = request;
    const { root, buildpacks, limits = {}, cacheNumber } = settings;
    const config = await this.#deps.store.config(app.id);
    checkConfigSize(app.name, config);
    return {
      kind: 'build',
      taskId: `t${randomBytes(10).toString('hex')}` as TaskId,
      appId: app.id,
      app: app.name,
      uidBase: app.uidBase,
      commit,
      commitTimeMs,
      stack: app.stack,
      config,
      buildpacks,
      root,
      cacheNumber,
      ...this.#deps.limits,
      timeoutMs: limits.timeoutMs ?? this.#deps.limits.timeoutMs,
      limits: {
        ...DEFAULT_BUILD_LIMITS,
        memoryBytes: limits.memoryBytes ?? DEFAULT_BUILD_LIMITS.memoryBytes,
        diskBytes: limits.diskBytes ?? DEFAULT_BUILD_LIMITS.diskBytes,
      },
    };
  }

  async open(node: NodeId, taskId: TaskId): Promise<NodeJS.ReadableStream | undefined> {
    const source = this.#sources.get(taskId);
    return source?.node === node ? source.open() : undefined;
  }

  async #writeEnds(): Promise<void> {
    await this.failInterrupted(this.#unwritten);
    this.#unwritten.clear();
  }

  /** Fails builds that were not finished when the last controller process ended, or only those of `only`. */
  async failInterrupted(only?: ReadonlySet<BuildId>): Promise<void> {
    for (const build of await this.#deps.store.unfinishedBuilds()) {
      if (only?.has(build.id) === false) continue;
      await this.#deps.store.setBuildState(build.id, 'failed', { failure: BUILD_FAILURES.interrupted });
    }
  }
}

/** Checks that the slug is of the commit and stack that were requested. @throws SLIP_BUILD_OTHER */
function checkResult(
  result: BuildResult,
  { task, builder }: { readonly task: BuildTask; readonly builder: string },
): BuildResult {
  if (result.slug.commit === task.commit && result.slug.stack === task.stack) return result;
  throw new SlipwayError({
    code: 'SLIP_BUILD_OTHER',
    kind: 'transient',
    message: `The builder ${builder} returned a slug of another commit or stack, so the slug was not used.`,
    hint: `Push again. If this happens again, revoke the certificate of that machine: slipway nodes:revoke ${builder}`,
  });
}
