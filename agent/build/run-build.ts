import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildResult, BuildTask } from '../../shared/domain/build.ts';
import type { Exit } from '../../shared/domain/instance.ts';
import type { Layer, Slug } from '../../shared/domain/slug.ts';
import type { Run } from '../../shared/kit/exec.ts';
import { LineOutput } from '../../shared/kit/line-output.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import { namingFullDisk } from './builder-disk.ts';
import { renderBuildSpec } from './build-spec.ts';
import type { BuildRunnerConfig } from './config.ts';
import type { BuildContext } from './context.ts';
import { cutLayers, type Candidate } from './cut-layers.ts';
import { checkManifests, discoverProcesses } from './discover-processes.ts';
import {
  cancelledFailure,
  failureFromExit,
  failureFromInside,
  outputLimitFailure,
  timeoutFailure,
} from './failures.ts';
import { cacheDropped, warningLine } from './heroku-output.ts';
import type { BuildIo } from './port.ts';
import { resultFullFailure } from './result-disk.ts';
import { readBuildReport, stepTimings, type BuildReport } from './results.ts';
import { runToEnd } from './sandbox-run.ts';
import { createTaskFolder, receiveSource, removeTaskFolder, writeCandidates, type TaskFolder } from './task-folder.ts';
import { Transfers } from './transfers.ts';

/** One build. Use an object for one build only. */
export class BuildRun {
  readonly #context: BuildContext;
  readonly #task: BuildTask;
  readonly #io: BuildIo;
  readonly #output: LineOutput;
  /** Aborted with the error that ends the build: cancelled, time limit, output limit, invalid manifest. */
  readonly #stop = new AbortController();
  readonly #transfers: Transfers;
  readonly #timingsMs: Record<string, number> = {};
  #outputBytes = 0;
  #lastOutputMs = 0;
  #manifestsChecked: Promise<void> | undefined;

  constructor(context: BuildContext, task: BuildTask, io: BuildIo) {
    this.#context = context;
    this.#task = task;
    this.#io = io;
    this.#output = new LineOutput((chunk) => {
      io.output(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
    });
    const warn = (sentence: string): void => this.#say(warningLine(sentence));
    this.#transfers = new Transfers({ ...context, signal: this.#stop.signal, warn });
  }

  async build(): Promise<BuildResult> {
    const cancel = (): void => this.#stop.abort(cancelledFailure());
    if (this.#io.signal.aborted) cancel();
    this.#io.signal.addEventListener('abort', cancel, { once: true });
    try {
      this.#stop.signal.throwIfAborted();
      // Check the disk first, because the clean-up frees space.
      const build = namingFullDisk(this.#context.config.tasksDir, () => this.#open());
      return await build.finally(async () => this.#cleanUpLater(await this.#isCacheOver()));
    } finally {
      this.#io.signal.removeEventListener('abort', cancel);
      this.#stop.abort(); // stops the other transfers after one has failed
    }
  }

  async #open(): Promise<BuildResult> {
    const { caches, layers, config, run, useLayers } = this.#context;
    const { taskId, appId, uidBase, stack, cacheNumber } = this.#task;
    // In parallel, because each of them starts a program.
    const opening = [
      caches.open(appId, uidBase, { stack: `${stack} ${config.platform}`, cacheNumber }),
      createTaskFolder({ ...config, run }, this.#task),
    ] as const;
    await Promise.allSettled(opening); // the clean-up must come after both
    const [cacheDir, folder] = await Promise.all(opening);
    const candidates = await layers.cached(appId, await caches.declared(appId));
    useLayers(
      taskId,
      candidates.map(({ layer }) => layer),
    );
    await writeCandidates(
      folder,
      candidates.map(({ declared }) => declared),
    );
    return await this.#build(folder, cacheDir, candidates);
  }

  async #build(folder: TaskFolder, cacheDir: string, candidates: readonly Candidate[]): Promise<BuildResult> {
    const sourceBytes = await this.#prepare(folder, cacheDir, candidates);
    const startedMs = this.#context.clock.nowMs();
    const exit = await this.#runInside(folder);
    await this.#manifestsChecked; // and the output so far is written
    const report = await readBuildReport(folder.resultDir);
    this.#timingsMs['sandbox'] = Math.max(0, Math.round((report.steps[0]?.atMs ?? startedMs) - startedMs));
    Object.assign(this.#timingsMs, stepTimings(report.steps));
    const doneMs = report.steps.at(-1)?.atMs ?? startedMs;
    this.#timingsMs['end'] = Math.max(0, Math.round(this.#context.clock.nowMs() - doneMs));
    await this.#throwOnFailure(exit, report, folder);
    const parts = {
      context: this.#context,
      task: this.#task,
      run: this.#runLimited,
      signal: this.#stop.signal,
      say: (text: string) => this.#say(text),
    };
    const processes = await discoverProcesses(parts, folder.resultDir, report);
    const cut = await this.#timed('layers', () => cutLayers(parts, report, candidates));
    const uploadedBytes = await this.#timed('upload', () => this.#upload(cut));
    const slug: Slug = {
      layers: cut,
      processTypes: processes.processTypes,
      stack: this.#task.stack,
      platform: this.#context.config.platform,
      commit: this.#task.commit,
      buildpacks: report.buildpacks,
      defaultConfig: processes.defaultConfig,
      ...(processes.checks === undefined ? {} : { checks: processes.checks }),
      ...(processes.cron === undefined ? {} : { cron: processes.cron }),
    };
    return { slug, stats: { timingsMs: this.#timingsMs, sourceBytes, uploadedBytes } };
  }

  /** Source and sandbox in parallel, because they do not depend on each other before the start. */
  async #prepare(folder: TaskFolder, cacheDir: string, candidates: readonly Candidate[]): Promise<number> {
    const { sandbox, images, config } = this.#context;
    const { signal } = this.#stop;
    const receive = async (): Promise<number> =>
      receiveSource(folder, await this.#io.openSource(signal), { limitBytes: config.sourceLimitBytes, signal });
    const download = this.#timed('source', () => this.#transfers.retry(receive));
    const prepare = this.#timed('prepare', async () => {
      // Shared layers get an owner too, because a build must be able to change their folders.
      const lowerDirs = await Promise.all(
        candidates.map(({ layer }) => images.mount({ ...layer, shared: false }, this.#task.uidBase)),
      );
      const places = { taskDir: folder.taskDir, resultDir: folder.resultDir, cacheDir, lowerDirs };
      const spec = renderBuildSpec(await withRealPaths(config), this.#task, places);
      await sandbox.prepare({ ...spec, onOutput: (chunk) => this.#takeOutput(chunk, folder) });
    });
    const [source, prepared] = await Promise.allSettled([download, prepare]);
    this.#stop.signal.throwIfAborted();
    if (source.status === 'rejected') throw source.reason;
    if (prepared.status === 'rejected') throw prepared.reason;
    return source.value;
  }

  async #runInside(folder: TaskFolder): Promise<Exit> {
    const { sandbox, clock } = this.#context;
    this.#lastOutputMs = clock.monotonicMs();
    const timedOut = Symbol('timeout');
    const disarm = callAfter(clock, this.#task.timeoutMs, () => this.#stop.abort(timedOut));
    try {
      return await runToEnd(sandbox, this.#task.taskId, { stop: this.#stop.signal, clock });
    } catch (error) {
      if (error !== timedOut) throw error;
      const { steps } = await readBuildReport(folder.resultDir);
      throw timeoutFailure(this.#task, steps.at(-1)?.name ?? 'its start', clock.monotonicMs() - this.#lastOutputMs);
    } finally {
      disarm();
    }
  }

  #takeOutput(chunk: Uint8Array, folder: TaskFolder): void {
    if (this.#stop.signal.aborted) return;
    this.#lastOutputMs = this.#context.clock.monotonicMs();
    this.#outputBytes += chunk.byteLength;
    if (this.#outputBytes > this.#task.outputLimitBytes) this.#stop.abort(outputLimitFailure(this.#task));
    // The script copies the manifests before its first output. So an invalid Procfile is reported before a long compile.
    this.#manifestsChecked ??= checkManifests(folder.resultDir).catch((error: unknown) => this.#stop.abort(error));
    void this.#manifestsChecked.then(() => {
      if (!this.#stop.signal.aborted) this.#output.write(chunk);
    });
  }

  async #throwOnFailure(exit: Exit, report: BuildReport, folder: TaskFolder): Promise<void> {
    this.#stop.signal.throwIfAborted();
    if (exit.code === 0 && report.isFinished && report.failure === undefined) return;
    const resultFull =
      report.failure === undefined && !exit.oomKilled ? await resultFullFailure(folder.resultDir) : undefined;
    if (resultFull !== undefined) throw resultFull;
    if (exit.oomKilled || report.failure === undefined) throw failureFromExit(exit, this.#task);
    throw failureFromInside(report.failure, this.#task);
  }

  /** @returns bytes sent; layers that the controller has are not sent */
  async #upload(cut: readonly Layer[]): Promise<number> {
    const { images, transport } = this.#context;
    const upload = ({ digest }: Layer): Promise<number> =>
      transport.upload(digest, images.path(digest), this.#stop.signal);
    const sent = await Promise.all(cut.map((layer) => this.#transfers.retry(() => upload(layer))));
    return sent.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Runs programs that read the files of the build. Their memory and processor time count as the build's own. */
  readonly #runLimited: Run = async (command) => {
    const { sandbox, run } = this.#context;
    const [file = '', ...args] = await sandbox.limitedCommand(this.#task.taskId, [command.file, ...command.args]);
    return await run({ ...command, file, args });
  };

  #say(text: string): void {
    this.#output.say(text);
  }

  async #timed<T>(name: string, work: () => Promise<T>): Promise<T> {
    const startMs = this.#context.clock.monotonicMs();
    try {
      return await work();
    } finally {
      this.#timingsMs[name] = Math.round(this.#context.clock.monotonicMs() - startMs);
    }
  }

  /** Warns the user, because the next build will take longer. */
  async #isCacheOver(): Promise<boolean> {
    const { caches, config } = this.#context;
    const canHaveGrown = config.canMount || (this.#timingsMs['compile'] ?? Infinity) > SLOW_COMPILE_MS;
    const isOver = canHaveGrown && (await caches.isOverLimit(this.#task.appId).catch(() => false));
    if (isOver) this.#say(warningLine(cacheDropped(config.cacheLimit)));
    return isOver;
  }

  /** Cleans up in the background. */
  #cleanUpLater(isCacheOver: boolean): void {
    const { sandbox, caches, config, run } = this.#context;
    const { taskId, appId } = this.#task;
    const work = async (): Promise<void> => {
      await sandbox.destroy(taskId);
      await sandbox.forget(taskId);
      await removeTaskFolder(join(config.tasksDir, taskId), run);
      await (isCacheOver ? caches.empty(appId) : caches.close(appId));
    };
    this.#context.background(appId, taskId, work);
  }
}

/** Only a slow compile can have filled a cache. */
const SLOW_COMPILE_MS = 2000;

/** A sandbox binds folders, not symlinks to them. */
async function withRealPaths(config: BuildRunnerConfig): Promise<BuildRunnerConfig> {
  const [insideDir, buildpacksDir, toolchainDir] = await Promise.all([
    realpath(config.insideDir),
    realpath(config.buildpacksDir),
    config.toolchainDir === undefined ? undefined : realpath(config.toolchainDir),
  ]);
  return { ...config, insideDir, buildpacksDir, toolchainDir };
}
