import { Readable } from 'node:stream';
import { z } from 'zod';
import type { LogLine } from '../../../shared/domain/log-line.ts';
import type { ApiDeps } from '../deps.ts';
import { keepAlive } from '../ndjson.ts';
import { appRoute, type Route } from '../route.ts';

const query = z.strictObject({
  lines: z.coerce.number().int().min(0).max(1500).default(100),
  process: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,63}(?:\.\d{1,6})?$/, 'it is a process type (web) or an instance (web.1)')
    .optional(),
  source: z.enum(['app', 'slipway']).optional(),
  follow: z.stringbool().default(false),
});

export function logRoutes({ fleet, clock }: ApiDeps): readonly Route[] {
  return [
    appRoute({
      method: 'GET',
      url: '/apps/:app/logs',
      auth: 'user',
      action: 'app.read',
      query,
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
