import type { BuildTask } from '../../shared/domain/build.ts';
import type { SandboxSpec } from '../sandbox/port.ts';
import type { BuildRunnerConfig } from './config.ts';
import { stackTitle, stackVariable } from './heroku-output.ts';

/** Paths inside the sandbox. */
export const INSIDE = Object.freeze({
  build: '/run/slipway-build',
  task: '/run/slipway-task',
  result: '/run/slipway-result',
  buildpacks: '/run/slipway-buildpacks',
  localBuildpacks: '/run/slipway-local-buildpacks',
  cache: '/run/slipway-cache',
  toolchain: '/opt/slipway/node',
  app: '/app',
});

export interface BuildPlaces {
  readonly taskDir: string;
  readonly resultDir: string;
  readonly cacheDir: string;
  readonly lowerDirs: readonly string[];
}

/** The sandbox of a build. Pure. */
export function renderBuildSpec(
  config: BuildRunnerConfig,
  task: BuildTask,
  places: BuildPlaces,
): Omit<SandboxSpec, 'onOutput'> {
  return {
    id: task.taskId,
    purpose: 'build',
    app: task.app,
    uidBase: task.uidBase,
    hostname: `build-${task.app}`.slice(0, 63),
    stack: task.stack,
    lowerDirs: places.lowerDirs,
    readOnlyBinds: {
      [config.insideDir]: INSIDE.build,
      [config.buildpacksDir]: INSIDE.buildpacks,
      [places.taskDir]: INSIDE.task,
      ...(config.toolchainDir === undefined ? {} : { [config.toolchainDir]: INSIDE.toolchain }),
      ...(config.localBuildpacksDir === undefined ? {} : { [config.localBuildpacksDir]: INSIDE.localBuildpacks }),
    },
    writableBinds: { [places.resultDir]: INSIDE.result, [places.cacheDir]: INSIDE.cache },
    argv: ['/bin/bash', `${INSIDE.build}/build.sh`],
    env: buildEnvironment(config, task),
    limits: task.limits,
    egress: true,
    logBytesMax: 0,
  };
}

function buildEnvironment(config: BuildRunnerConfig, task: BuildTask): Record<string, string> {
  return {
    ...config.buildEnv,
    HOME: INSIDE.app,
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    STACK: stackVariable(task.stack, config.platform),
    SOURCE_VERSION: task.commit,
    REQUEST_ID: task.taskId,
    SLIPWAY_INSIDE_DIR: INSIDE.build,
    SLIPWAY_BUILD_DIR: INSIDE.app,
    SLIPWAY_TASK_DIR: INSIDE.task,
    SLIPWAY_RESULT_DIR: INSIDE.result,
    SLIPWAY_CACHE_DIR: INSIDE.cache,
    SLIPWAY_BUILDPACKS_DIR: INSIDE.buildpacks,
    SLIPWAY_APP: task.app,
    SLIPWAY_STACK_TITLE: stackTitle(task.stack),
    ...(config.toolchainDir === undefined ? {} : { SLIPWAY_NODE_DIR: INSIDE.toolchain }),
    ...(config.localBuildpacksDir === undefined
      ? {}
      : {
          SLIPWAY_LOCAL_BUILDPACKS_DIR: INSIDE.localBuildpacks,
          SLIPWAY_LOCAL_BUILDPACKS_PATH: config.localBuildpacksDir,
        }),
  };
}
