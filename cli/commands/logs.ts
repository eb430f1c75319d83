import type { BuildBody } from '../../shared/api/builds.ts';
import type { LogLineBody } from '../../shared/api/observe.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { textFlag, type Cli, type CommandRun, type Flags } from '../cli.ts';
import { FOLLOW_SILENCE_MS } from '../client.ts';
import { linesOf } from '../lines.ts';
import { oneOf, parseCount, parseLogSource, parseProcess } from '../parse-flags.ts';
import { shown, type ControlsShown } from '../render/escape.ts';
import { renderLogLine } from '../render/logs.ts';

export const logs: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const query = new URLSearchParams({
    lines: String(parseCount(textFlag(flags, 'num') ?? '100', { flag: '--num', min: 0, max: 1500 })),
  });
  const process = oneOf(
    ['ps', 'processType', 'dyno', 'dynoName'].map((flag) => textFlag(flags, flag)),
    'slipway logs -p web.1',
  );
  if (process !== undefined) query.set('process', parseProcess(process, '--ps'));
  const source = textFlag(flags, 'source');
  if (source !== undefined) query.set('source', parseLogSource(source));
  if (flags['tail'] === true) query.set('follow', 'true');
  const path = `/apps/${app}/logs?${query.toString()}`;
  const answer = await (await cli.api()).stream(path, { signal: cli.signal, silenceMs: FOLLOW_SILENCE_MS });
  for await (const line of linesOf(answer)) {
    if (line === '') continue; // keeps the connection alive
    await cli.write(
      flags['json'] === true
        ? `${line}\n`
        : renderLogLine(JSON.parse(line) as LogLineBody, cli.paint, showOf(cli, flags)),
    );
  }
};

export const buildOutput: CommandRun = async (cli, [given], flags) => {
  const app = await cli.app(flags);
  const api = await cli.api();
  const id = given ?? (await api.call<BuildBody[]>('GET', `/apps/${app}/builds?limit=1`))[0]?.id;
  if (id === undefined) throw noBuild(app);
  const answer = await api.stream(`/apps/${app}/builds/${encodeURIComponent(id)}/output?follow=true`, {
    signal: cli.signal,
  });
  for await (const line of linesOf(answer)) {
    if (flags['json'] === true) await cli.write(`${JSON.stringify({ build: id, line })}\n`);
    else await cli.write(`${shown(line, showOf(cli, flags))}\n`);
  }
};

function showOf(cli: Cli, flags: Flags): ControlsShown {
  if (flags['raw'] === true) return 'all';
  return cli.colour ? 'colours' : 'none';
}

function noBuild(app: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CLI_NO_BUILD',
    message: `${app} has no builds yet.`,
    hint: 'Make one with: git push slipway main',
  });
}
