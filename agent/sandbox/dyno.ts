import { instanceName, isRouted, type Assignment } from '../../shared/domain/assignment.ts';
import type { CommandTask } from '../../shared/domain/command.ts';
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

/** What a process as on Heroku is made of. */
type Dyno = Omit<Assignment, 'processType' | 'ordinal' | 'desired' | 'instanceId'> & {
  readonly id: string;
  /** `web.1`, `run.4821` */
  readonly name: string;
};

/** An instance of an app, which starts as on Heroku: profile scripts first, then the command with `bash -c`. Pure. */
export function dynoSpec({ assignment, lowerDirs, port: given, logBytesMax }: DynoInput): SandboxSpec {
  const port = isRouted(assignment) ? (given ?? DEFAULT_DYNO_PORT) : undefined;
  const spec = specOf({ ...assignment, id: assignment.instanceId, name: instanceName(assignment) }, lowerDirs);
  const env = dynoEnv(assignment, port);
  return { ...spec, purpose: 'app', env, port, logBytesMax: logBytesMax ?? spec.logBytesMax };
}

/** A command of an app. It starts exactly as an instance does. Pure. */
export function commandSpec(task: CommandTask, lowerDirs: readonly string[]): SandboxSpec {
  const config = { ...task.config, ...task.env };
  const spec = specOf({ ...task, config, id: task.taskId, name: task.process }, lowerDirs);
  return { ...spec, purpose: 'command', ...(task.attached === true ? { argv: waitingArgv(task.command) } : {}) };
}

/** Waits for the stream of a user, then runs the command on it, and ends with its exit code. */
function waitingArgv(command: string): readonly string[] {
  const [bin, env] = [`${INSIDE_DIR}/bin`, `${INSIDE_DIR}/env`];
  const own = ['/usr/bin/perl', `${bin}/attach.pl`, '--wait', command, `${env}/attach`];
  return [...own, `${bin}/start.sh`, `${env}/env`, '/app', `${bin}/dyno.sh`];
}

/** Config variables can override PATH and LANG, but not the variables that the platform sets. Pure. */
export function dynoEnv(assignment: Assignment, port: number | undefined): Record<string, string> {
  const dyno = { ...assignment, id: assignment.instanceId, name: instanceName(assignment) };
  return envOf(dyno, port === undefined ? {} : { PORT: String(port) });
}

function specOf(dyno: Dyno, lowerDirs: readonly string[]): SandboxSpec {
  return {
    id: dyno.id,
    purpose: 'app',
    app: dyno.app,
    uidBase: dyno.uidBase,
    hostname: hostnameOf(dyno),
    stack: dyno.stack,
    lowerDirs,
    sharedLowerDirs: new Set(lowerDirs.filter((_, index) => dyno.layers[index]?.shared === true)),
    readOnlyBinds: {},
    writableBinds: {},
    argv: ['/bin/bash', `${INSIDE_DIR}/bin/dyno.sh`, dyno.command],
    env: envOf(dyno, {}),
    limits: dyno.limits,
    egress: true,
    logBytesMax: DEFAULT_LOG_BYTES,
  };
}

function envOf(dyno: Dyno, port: Readonly<Record<string, string>>): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LANG: 'C.UTF-8',
    MEMORY_AVAILABLE: String(Math.floor(dyno.limits.memoryBytes / BYTES_PER_MB)),
    ...revealAll(dyno.config),
    ...port,
    HOME: '/app',
    DYNO: dyno.name,
    HEROKU_APP_ID: dyno.appId,
    HEROKU_APP_NAME: dyno.app,
    HEROKU_DYNO_ID: dyno.id,
    HEROKU_RELEASE_VERSION: `v${String(dyno.release)}`,
    HEROKU_SLUG_COMMIT: dyno.commit,
    HEROKU_BUILD_COMMIT: dyno.commit,
  };
}

/** `shop-web-1`, `shop-run-4821` */
function hostnameOf({ app, name }: Dyno): string {
  return `${app}-${name}`
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, '-')
    .slice(0, 63);
}
