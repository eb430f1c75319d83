import { z } from 'zod';

/**
 *  startup    must pass before an instance counts as started
 *  readiness  while it fails, the instance gets no requests; it is not restarted
 *  liveness   when it fails, the instance is restarted
 */
export const CHECK_TYPES = ['startup', 'readiness', 'liveness'] as const;
export type CheckType = (typeof CHECK_TYPES)[number];

/** How a check asks: an HTTP request, a TCP connection, a command in the sandbox, or only the time that the process has run. */
export const CHECK_PROBES = ['http', 'tcp', 'command', 'uptime'] as const;

// The limits bound what one app can make an agent do, and the size of the message to a node.
export const CHECKS_PER_TYPE_MAX = 10;
const PROCESS_TYPES_MAX = 100;
const NAME_LENGTH_MAX = 100;
/** A longer command is shortened in messages. */
const SUBJECT_LENGTH_MAX = 60;
export const PATH_LENGTH_MAX = 1024;
export const CONTENT_BYTES_MAX = 1024;
export const HEADERS_MAX = 20;
export const HEADER_BYTES_MAX = 1024;
/** All words of a command, and their number. */
export const COMMAND_BYTES_MAX = 4096;
export const COMMAND_WORDS_MAX = 50;
export const CHECK_SECONDS_MAX = 300;
export const ATTEMPTS_MAX = 100;
/** All checks of an app, as JSON. */
export const CHECKS_BYTES_MAX = 64 * 1024;
/** The longest time that all startup checks of a process type may take together, and each other check until it fails. */
export const STARTUP_MS_MAX = 15 * 60_000;

const MS_MAX = CHECK_SECONDS_MAX * 1000;

interface CheckTiming {
  readonly type: CheckType;
  /** A name for people. Absent: it is described by what it asks. */
  readonly name?: string | undefined;
  /** The time from the start of the process to the first attempt. */
  readonly initialDelayMs: number;
  /** The time that one attempt may take. */
  readonly timeoutMs: number;
  /** Failures in a row after which the check has failed. */
  readonly attempts: number;
  /** The time between two attempts. */
  readonly waitMs: number;
}

interface HttpProbe {
  readonly probe: 'http';
  readonly path: string;
  /** Absent: the port in PORT. */
  readonly port?: number | undefined;
  /** May be secret. */
  readonly headers: Readonly<Record<string, string>>;
  /** The answer must have this text. */
  readonly content?: string | undefined;
}

interface TcpProbe {
  readonly probe: 'tcp';
  /** Absent: the port in PORT. */
  readonly port?: number | undefined;
}

interface CommandProbe {
  readonly probe: 'command';
  /** Program and arguments. Status 0 passes. */
  readonly command: readonly string[];
}

interface UptimeProbe {
  readonly probe: 'uptime';
  readonly uptimeMs: number;
}

export type Probe = HttpProbe | TcpProbe | CommandProbe | UptimeProbe;
export type HealthCheck = CheckTiming & Probe;
/** Process type → its checks. */
export type HealthChecks = Readonly<Record<string, readonly HealthCheck[]>>;

const timing = {
  type: z.enum(CHECK_TYPES),
  name: absentWhenEmpty(z.string().max(NAME_LENGTH_MAX)),
  initialDelayMs: z.int().min(0).max(MS_MAX),
  timeoutMs: z.int().min(1).max(MS_MAX),
  attempts: z.int().min(1).max(ATTEMPTS_MAX),
  waitMs: z.int().min(1).max(MS_MAX),
};

const port = z
  .int()
  .min(0)
  .max(65_535)
  .optional()
  .transform((value) => (value === 0 ? undefined : value));

/** One check, from the database or the wire. The wire has empty values for absent ones. */
export const healthCheck: z.ZodType<HealthCheck> = z.discriminatedUnion('probe', [
  z.object({
    ...timing,
    probe: z.literal('http'),
    path: z.string().min(1).max(PATH_LENGTH_MAX),
    port,
    headers: z
      .record(z.string().max(HEADER_BYTES_MAX), z.string().max(HEADER_BYTES_MAX))
      .refine((headers) => Object.keys(headers).length <= HEADERS_MAX, 'has too many headers'),
    content: absentWhenEmpty(z.string().max(CONTENT_BYTES_MAX)),
  }),
  z.object({ ...timing, probe: z.literal('tcp'), port }),
  z.object({
    ...timing,
    probe: z.literal('command'),
    command: z.array(z.string().max(COMMAND_BYTES_MAX)).min(1).max(COMMAND_WORDS_MAX),
  }),
  z.object({ ...timing, probe: z.literal('uptime'), uptimeMs: z.int().min(1).max(MS_MAX) }),
]);

/** The checks of one process type. */
export const checkList: z.ZodType<readonly HealthCheck[]> = z.array(healthCheck).max(CHECKS_PER_TYPE_MAX);

export const healthChecks: z.ZodType<HealthChecks> = z
  .record(z.string(), checkList)
  .refine((checks) => Object.keys(checks).length <= PROCESS_TYPES_MAX, 'has too many process types');

function absentWhenEmpty<T extends z.ZodType<string>>(
  schema: T,
): z.ZodPipe<z.ZodOptional<T>, z.ZodTransform<string | undefined, string | undefined>> {
  return schema.optional().transform((text) => (text === '' ? undefined : text));
}

/** The longest time from the start of a process until its startup checks have passed or failed. */
export function startupMs(checks: readonly HealthCheck[]): number {
  return checks.filter(({ type }) => type === 'startup').reduce((sum, check) => sum + longestMs(check), 0);
}

/** A readiness check has this long to pass for the first time, or longer when its attempts take longer. */
export const FIRST_READY_MS = 60_000;

/** How much longer than a start without checks the start of a process may take. */
export function startAllowanceMs(checks: readonly HealthCheck[]): number {
  const readiness = checks.filter(({ type }) => type === 'readiness');
  return startupMs(checks) + readiness.reduce((sum, check) => sum + Math.max(FIRST_READY_MS, longestMs(check)), 0);
}

/** From the start of a process until the check has passed or failed. */
export function longestMs(check: HealthCheck): number {
  if (check.probe === 'uptime') return check.uptimeMs;
  return check.initialDelayMs + check.attempts * check.timeoutMs + (check.attempts - 1) * check.waitMs;
}

/** `liveness check /up`, for a sentence. */
export function checkLabel(check: HealthCheck): string {
  return `${check.type} check ${check.name ?? subject(check)}`;
}

/** `GET /up on port 9000`: what the check asks, for a table. */
export function checkSubject(check: HealthCheck): string {
  return check.probe === 'http' ? `GET ${subject(check)}` : subject(check);
}

function subject(check: HealthCheck): string {
  if (check.probe === 'uptime') return `${String(check.uptimeMs / 1000)} s of uptime`;
  if (check.probe === 'command') return `\`${shortened(check.command.join(' '))}\``;
  const at = check.port === undefined ? '' : ` on port ${String(check.port)}`;
  return check.probe === 'http' ? `${check.path}${at}` : `TCP${at === '' ? ' on PORT' : at}`;
}

function shortened(text: string): string {
  return text.length > SUBJECT_LENGTH_MAX ? `${text.slice(0, SUBJECT_LENGTH_MAX)}…` : text;
}

/** The checks of each process type: those that are set take the place of those in app.json. */
export function effectiveChecks(declared: HealthChecks | undefined, settings: HealthChecks | undefined): HealthChecks {
  return { ...declared, ...settings };
}

export function checksBytes(checks: HealthChecks | undefined): number {
  return checks === undefined ? 0 : new TextEncoder().encode(JSON.stringify(checks)).byteLength;
}
