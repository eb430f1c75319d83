import { controlsShown, textFlag, type CommandRun, type Flags } from '../cli.ts';
import { oneOf, parseCount, parseLogSource, parseProcess } from '../parse-flags.ts';
import { renderLogLine } from './render.ts';

export const logs: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const api = await cli.api();
  for await (const line of api.lines('readLogs', { params: { app }, query: logQuery(flags) }, { signal: cli.signal }))
    await cli.write(
      flags['json'] === true ? `${JSON.stringify(line)}\n` : renderLogLine(line, cli.paint, controlsShown(cli, flags)),
    );
};

interface LogQuery {
  readonly lines: number;
  readonly process: string | undefined;
  readonly source: 'app' | 'slipway' | undefined;
  readonly follow: true | undefined;
}

function logQuery(flags: Flags): LogQuery {
  const process = oneOf(
    ['ps', 'processType', 'dyno', 'dynoName'].map((flag) => textFlag(flags, flag)),
    'slipway logs -p web.1',
  );
  const source = textFlag(flags, 'source');
  return {
    lines: parseCount(textFlag(flags, 'num') ?? '100', { flag: '--num', min: 0, max: 1500 }),
    process: process === undefined ? undefined : parseProcess(process, '--ps'),
    source: source === undefined ? undefined : parseLogSource(source),
    follow: flags['tail'] === true ? true : undefined,
  };
}
