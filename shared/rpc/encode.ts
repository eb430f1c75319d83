import type { BuildResult } from '../domain/build.ts';
import type { CommandResult } from '../domain/command.ts';
import type { InstanceStatus, Reason } from '../domain/instance.ts';
import type { LogLine } from '../domain/log-line.ts';
import type { Slug } from '../domain/slug.ts';
import { clip } from './clip.ts';
import { encodeCron } from './cron-codec.ts';
import { encodeChecks } from './health-check-codec.ts';
import { MAX_LAST_LINES, MAX_LOG_MESSAGE_LENGTH } from './fields.ts';
import type { BuildResult as WireBuildResult } from './gen/slipway/v1/BuildResult.ts';
import type { CommandResult as WireCommandResult } from './gen/slipway/v1/CommandResult.ts';
import type { InstanceStatus as WireInstanceStatus } from './gen/slipway/v1/InstanceStatus.ts';
import type { LogLine as WireLogLine } from './gen/slipway/v1/LogLine.ts';
import type { Reason as WireReason } from './gen/slipway/v1/Reason.ts';
import type { Slug as WireSlug } from './gen/slipway/v1/Slug.ts';

// Domain → wire, for the parts that both directions share. Free text is clipped here, so that the receiver never refuses a message
// because of one long line of an app.

export function encodeReason(reason: Reason): WireReason {
  return { code: reason.code, message: clip(reason.message), hint: clip(reason.hint ?? '') };
}

/** Most bytes of the apps' last lines and of the reasons in one report: less than half of a message. */
const REPORT_TEXT_BYTES = 3 * 1024 * 1024;
const REASON_LENGTH_MIN = 8;

/** The instances of one report share this text, so that many failures with long lines never make the message too large. */
export function encodeStatuses(statuses: readonly InstanceStatus[]): WireInstanceStatus[] {
  const shareBytes = Math.floor(REPORT_TEXT_BYTES / Math.max(1, statuses.filter(hasText).length));
  const reasonLength = Math.max(REASON_LENGTH_MIN, Math.floor(shareBytes / 16));
  return statuses.map((status) => {
    const { reason } = status;
    const shortReason = reason && {
      ...reason,
      message: clip(reason.message, reasonLength),
      hint: reason.hint && clip(reason.hint, reasonLength),
    };
    return encodeStatus({ ...status, reason: shortReason, lastLines: newestLines(status.lastLines, shareBytes) });
  });
}

function hasText({ reason, lastLines }: InstanceStatus): boolean {
  return reason !== undefined || lastLines.length > 0;
}

/** The newest lines that fit into `maxBytes`. */
function newestLines(lines: readonly string[], maxBytes: number): readonly string[] {
  let left = maxBytes;
  const kept = lines.toReversed().map((line) => clip(line));
  const end = kept.findIndex((line) => (left -= Buffer.byteLength(line)) < 0);
  return (end < 0 ? kept : kept.slice(0, end)).toReversed();
}

function encodeStatus(status: InstanceStatus): WireInstanceStatus {
  const {
    lastExit,
    crashes,
    reason,
    serving,
    ready,
    checks = [],
    checksRun = 0,
    startedAtMs,
    nextStartAtMs,
    ...rest
  } = status;
  return {
    ...rest,
    timingsMs: { ...status.timingsMs },
    lastLines: status.lastLines.slice(-MAX_LAST_LINES).map((line) => clip(line)),
    checks: checks.map((check) => ({ ...check, check: clip(check.check), answer: clip(check.answer) })),
    checksRun,
    ...(serving === undefined ? {} : { serving }),
    ...(ready === undefined ? {} : { ready }),
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    ...(nextStartAtMs === undefined ? {} : { nextStartAtMs }),
    ...(reason === undefined ? {} : { reason: encodeReason(reason) }),
    ...(lastExit === undefined ? {} : { lastExit: withoutAbsent(lastExit) }),
    ...(crashes === undefined ? {} : { crashes: withoutAbsent(crashes) }),
  };
}

export function encodeBuildResult({ slug, stats }: BuildResult): WireBuildResult {
  return {
    slug: encodeSlug(slug),
    timingsMs: stats.timingsMs,
    sourceBytes: stats.sourceBytes,
    uploadedBytes: stats.uploadedBytes,
  };
}

export function encodeCommandResult({ exit, durationMs, endedBy }: CommandResult): WireCommandResult {
  return { exit: withoutAbsent(exit), durationMs, endedBy: endedBy ?? '' };
}

export function encodeLogLine(line: LogLine): WireLogLine {
  return { ...line, message: clip(line.message, MAX_LOG_MESSAGE_LENGTH) };
}

function encodeSlug(slug: Slug): WireSlug {
  const { checks, cron, layers, buildpacks, ...rest } = slug;
  return {
    ...rest,
    layers: [...layers],
    buildpacks: [...buildpacks],
    checks: encodeChecks(checks),
    cron: encodeCron(cron),
  };
}

function withoutAbsent<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, of]) => of !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
