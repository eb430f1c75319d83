import { DEFAULT_BUILD_LIMITS } from '../../shared/domain/assignment.ts';
import type { BuildSettings } from '../../shared/domain/build-settings.ts';
import { formatDuration } from '../../shared/kit/duration.ts';
import { show, textFlag, type CommandRun, type Flags } from '../cli.ts';
import { parseBytes, parseDurationMs } from '../parse-flags.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderProblems } from '../terminal/problems.ts';
import { renderTable } from '../terminal/table.ts';
import { renderBytes } from '../terminal/time.ts';

export const limits: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const api = await cli.api();
  const change = changeOf(flags);
  const body =
    change === undefined
      ? await api.call('showBuildSettings', { params: { app } })
      : await api.call('changeBuildSettings', { params: { app }, body: { limits: change } });
  const next = change === undefined ? '' : 'The next push uses this.\n';
  await show(cli, flags, { body, render: (answer) => `${renderLimits(app, answer, cli.paint)}${next}` });
};

export const purge: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('purgeBuildCache', { params: { app } });
  await show(cli, flags, {
    body,
    render: ({ problems }) =>
      `Purged the build cache of ${cli.paint.bold(app)}. The next build starts with an empty cache.\n${renderProblems(problems, cli.paint)}`,
  });
};

function changeOf(
  flags: Flags,
): Record<'memoryBytes' | 'diskBytes' | 'timeoutMs', number | null | undefined> | undefined {
  if (flags['reset'] === true) return { memoryBytes: null, diskBytes: null, timeoutMs: null };
  const [memory, disk, timeout] = ['memory', 'disk', 'timeout'].map((name) => textFlag(flags, name));
  if (memory === undefined && disk === undefined && timeout === undefined) return undefined;
  return {
    memoryBytes: memory === undefined ? undefined : parseBytes(memory, '--memory'),
    diskBytes: disk === undefined ? undefined : parseBytes(disk, '--disk'),
    timeoutMs: timeout === undefined ? undefined : parseDurationMs(timeout, '--timeout'),
  };
}

function renderLimits(app: string, { limits: own = {} }: BuildSettings, paint: Paint): string {
  const rows = [
    ['Memory:', renderBytes(own.memoryBytes ?? DEFAULT_BUILD_LIMITS.memoryBytes)],
    ['Disk:', renderBytes(own.diskBytes ?? DEFAULT_BUILD_LIMITS.diskBytes)],
    ['Time:', own.timeoutMs === undefined ? 'the default of the controller' : formatDuration(own.timeoutMs)],
  ];
  return `=== ${paint.bold(`${app} build limits`)}\n${renderTable(rows)}`;
}
