import { Readable } from 'node:stream';
import type { LogLine } from '../../../shared/domain/log-line.ts';
import type { ApiDeps } from '../deps.ts';
import { keepAlive } from '../ndjson.ts';
import { appRoute, type Route } from '../route.ts';

export function logRoutes({ fleet, clock }: ApiDeps): readonly Route[] {
  return [
    appRoute('readLogs', {
      auth: 'user',
      action: 'app.read',
      handle: async ({ app, query: { lines, process, source, follow }, reply, signal }) => {
        const logs = fleet.logs({ appId: app.id, app: app.name, process, source, lines, follow }, signal);
        reply.type('application/x-ndjson');
        return Readable.from(follow ? keepAlive(encode(logs), { clock, signal }) : encode(logs), { objectMode: false });
      },
    }),
  ];
}

async function* encode(lines: AsyncIterable<LogLine>): AsyncGenerator<string> {
  for await (const { atMs, source, process, message } of lines)
    yield `${JSON.stringify({ atMs, source, process, message })}\n`;
}
