import { instanceName, isRouted, type Assignment } from '../../shared/domain/assignment.ts';
import { revealAll } from '../../shared/kit/sensitive.ts';
import { INSIDE_DIR } from './policy.ts';
import type { SandboxSpec } from './port.ts';

/** Every web process has its own network, so all of them can use the same port. */
export const DEFAULT_DYNO_PORT = 5000;
const DEFAULT_LOG_BYTES = 10 * 1024 * 1024;
const BYTES_PER_MB = 1024 * 1024;

export interface DynoInput {
  readonly assignment: Assignment;
  /** The assignment's layers, mounted, in its order: bottom first. */
  readonly lowerDirs: readonly string[];
  readonly port?: number | undefined;
  readonly logBytesMax?: number | undefined;
}

/** A process of an app that starts as on Heroku: profile scripts first, then the command with `bash -c`. Pure. */
export function dynoSpec(input: DynoInput): SandboxSpec {
  const { assignment } = input;
  const port = isRouted(assignment) ? (input.port ?? DEFAULT_DYNO_PORT) : undefined;
  return {
    id: assignment.instanceId,
    purpose: 'app',
    app: assignment.app,
    uidBase: assignment.uidBase,
    hostname: dynoHostname(assignment),
    stack: assignment.stack,
    lowerDirs: input.lowerDirs,
    sharedLowerDirs: new Set(input.lowerDirs.filter((_, index) => assignment.layers[index]?.shared === true)),
    readOnlyBinds: {},
    writableBinds: {},
    argv: ['/bin/bash', `${INSIDE_DIR}/bin/dyno.sh`, assignment.command],
    env: dynoEnv(assignment, port),
    port,
    limits: assignment.limits,
    egress: true,
    logBytesMax: input.logBytesMax ?? DEFAULT_LOG_BYTES,
  };
}

/** Config variables can override PATH and LANG, but not the variables that the platform sets. Pure. */
export function dynoEnv(assignment: Assignment, port: number | undefined): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LANG: 'C.UTF-8',
    MEMORY_AVAILABLE: String(Math.floor(assignment.limits.memoryBytes / BYTES_PER_MB)),
    ...revealAll(assignment.config),
    ...(port === undefined ? {} : { PORT: String(port) }),
    HOME: '/app',
    DYNO: instanceName(assignment),
    HEROKU_APP_ID: assignment.appId,
    HEROKU_APP_NAME: assignment.app,
    HEROKU_DYNO_ID: assignment.instanceId,
    HEROKU_RELEASE_VERSION: `v${String(assignment.release)}`,
    HEROKU_SLUG_COMMIT: assignment.commit,
    HEROKU_BUILD_COMMIT: assignment.commit,
  };
}

function dynoHostname(assignment: Assignment): string {
  const name = `${assignment.app}-${assignment.processType}-${String(assignment.ordinal)}`;
  return name
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, '-')
    .slice(0, 63);
}
