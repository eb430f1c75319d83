import { textFlag, type Cli, type CommandRun, type Flags } from '../cli.ts';
import { parseCount } from '../parse-flags.ts';
import { escapeAll } from '../terminal/escape.ts';
import { renderEvent, renderEvents } from './render.ts';

export const events: CommandRun = async (cli, _args, flags) => {
  if (flags['tail'] === true) {
    await tail(cli, flags);
    return;
  }
  const api = await cli.api();
  const [app, query] = [textFlag(flags, 'app'), eventQuery(flags)];
  const body =
    app === undefined
      ? await api.call('listEvents', { query })
      : await api.call('listAppEvents', { params: { app }, query });
  if (flags['json'] === true) await cli.write(`${JSON.stringify(body, undefined, 2)}\n`);
  else await cli.write(renderEvents(body.events.toReversed(), cli.paint));
  if (body.before !== undefined && cli.interactive)
    cli.note(`Older events: slipway events${scopeOf(flags)} --before ${body.before}\n`);
};

/** The flags of this call, for the command that shows the next page. */
function scopeOf(flags: Flags): string {
  const given = [
    ['-a', 'app'],
    ['--node', 'node'],
    ['-n', 'num'],
  ].map(([flag = '', name = '']) => [flag, textFlag(flags, name)] as const);
  return given.flatMap(([flag, value]) => (value === undefined ? [] : [` ${flag} ${value}`])).join('');
}

interface EventQuery {
  readonly limit: number;
  readonly node: string | undefined;
  readonly before: number | undefined;
}

function eventQuery(flags: Flags): EventQuery {
  const before = textFlag(flags, 'before');
  return {
    limit: parseCount(textFlag(flags, 'num') ?? '50', { flag: '--num', min: 1, max: 1000 }),
    node: textFlag(flags, 'node'),
    before: before === undefined ? undefined : parseCount(before, { flag: '--before', min: 1, max: 999_999_999 }),
  };
}

async function tail(cli: Cli, flags: Flags): Promise<void> {
  const api = await cli.api();
  const app = textFlag(flags, 'app');
  const query = { ...eventQuery(flags), follow: true };
  const options = { signal: cli.signal };
  const lines =
    app === undefined
      ? api.lines('listEvents', { query }, options)
      : api.lines('listAppEvents', { params: { app }, query }, options);
  for await (const event of lines)
    await cli.write(flags['json'] === true ? `${JSON.stringify(event)}\n` : renderEvent(escapeAll(event), cli.paint));
}
