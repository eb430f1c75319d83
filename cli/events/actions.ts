import type { EventsBody } from '../../shared/api/observe.ts';
import type { FleetEvent } from '../../shared/domain/event.ts';
import { textFlag, type Cli, type CommandRun, type Flags } from '../cli.ts';
import { FOLLOW_SILENCE_MS } from '../client.ts';
import { linesOf } from '../lines.ts';
import { parseCount } from '../parse-flags.ts';
import { legible } from '../terminal/escape.ts';
import { renderEvent, renderEvents } from './render.ts';

export const events: CommandRun = async (cli, _args, flags) => {
  const app = textFlag(flags, 'app');
  const path = `${app === undefined ? '' : `/apps/${encodeURIComponent(app)}`}/events?${eventQuery(flags).toString()}`;
  if (flags['tail'] === true) {
    await tail(cli, path, flags['json'] === true);
    return;
  }
  const body = await (await cli.api()).call<EventsBody>('GET', path);
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

function eventQuery(flags: Flags): URLSearchParams {
  const query = new URLSearchParams({
    limit: String(parseCount(textFlag(flags, 'num') ?? '50', { flag: '--num', min: 1, max: 1000 })),
  });
  const node = textFlag(flags, 'node');
  if (node !== undefined) query.set('node', node);
  const before = textFlag(flags, 'before');
  if (before !== undefined)
    query.set('before', String(parseCount(before, { flag: '--before', min: 1, max: 999_999_999 })));
  if (flags['tail'] === true) query.set('follow', 'true');
  return query;
}

async function tail(cli: Cli, path: string, json: boolean): Promise<void> {
  const answer = await (await cli.api()).stream(path, { signal: cli.signal, silenceMs: FOLLOW_SILENCE_MS });
  for await (const line of linesOf(answer)) {
    if (line === '') continue; // an empty line keeps the connection alive
    await cli.write(json ? `${line}\n` : renderEvent(legible(JSON.parse(line) as FleetEvent), cli.paint));
  }
}
