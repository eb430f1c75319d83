import { controlsShown, type Cli, type Flags } from './cli.ts';
import { renderLogLine } from './terminal/log-line.ts';

export interface LogQuery {
  readonly lines: number;
  readonly process: string | undefined;
  readonly source: 'app' | 'slipway' | undefined;
  readonly follow: true | undefined;
}

/** Prints lines of the log of an app. */
export async function printLogs(
  cli: Cli,
  { app, query }: { readonly app: string; readonly query: LogQuery },
  flags: Flags,
): Promise<void> {
  const api = await cli.api();
  for await (const line of api.lines('readLogs', { params: { app }, query }, { signal: cli.signal }))
    await cli.write(
      flags['json'] === true ? `${JSON.stringify(line)}\n` : renderLogLine(line, cli.paint, controlsShown(cli, flags)),
    );
}
