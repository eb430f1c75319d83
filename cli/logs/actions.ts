import type { LogLineBody } from '../../shared/api/observe.ts';
import { controlsShown, textFlag, type CommandRun } from '../cli.ts';
import { FOLLOW_SILENCE_MS } from '../client.ts';
import { linesOf } from '../lines.ts';
import { oneOf, parseCount, parseLogSource, parseProcess } from '../parse-flags.ts';
import { renderLogLine } from './render.ts';

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
    if (line === '') continue; // an empty line keeps the connection alive
    await cli.write(
      flags['json'] === true
        ? `${line}\n`
        : renderLogLine(JSON.parse(line) as LogLineBody, cli.paint, controlsShown(cli, flags)),
    );
  }
};
