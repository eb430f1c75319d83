import { textFlag, type CommandRun, type Flags } from '../cli.ts';
import { oneOf, parseCount, parseLogSource, parseProcess } from '../parse-flags.ts';
import { printLogs, type LogQuery } from '../print-logs.ts';

export const logs: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  await printLogs(cli, { app, query: logQuery(flags) }, flags);
};

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
