import type { CronOutputBody } from '../../shared/api/cron.ts';
import { show, type Cli, type CommandRun } from '../cli.ts';
import { pauseBeforePoll } from '../poll.ts';
import { escapeAll } from '../terminal/escape.ts';
import { isRunning, sayEnd } from './render.ts';

/** Without --detach it follows the run. Ctrl-C ends the following only. */
export const run: CommandRun = async (cli, [entry = ''], flags) => {
  const app = await cli.app(flags);
  const started = await (await cli.api()).call('runCron', { params: { app, entry } });
  const name = started.run ?? '';
  if (flags['detach'] === true) {
    const next = `Its output: slipway cron:output ${name} -a ${app}`;
    await show(cli, flags, { body: started, render: () => `Running ${entry} of ${app}... ${name}\n${next}\n` });
    return;
  }
  cli.note(`Running ${entry} of ${app}... ${name}\n`);
  const ended = await follow(cli, { app, run: name }, flags['json'] !== true);
  if (ended === undefined) return;
  if (flags['json'] === true) await show(cli, flags, { body: ended, render: () => '' });
  cli.note(`${name} ${sayEnd(ended)}.\n`);
  if (ended.state !== 'succeeded') cli.setExitCode(exitCode(ended));
};

/** Prints the output as it comes. @returns undefined after Ctrl-C */
async function follow(
  cli: Cli,
  params: { readonly app: string; readonly run: string },
  prints: boolean,
): Promise<CronOutputBody | undefined> {
  const api = await cli.api();
  for (let printed = 0; !cli.signal.aborted;) {
    for await (const line of api.lines('showCronRun', { params, query: { follow: true } }, { signal: cli.signal })) {
      const { output, outputFrom = 0 } = line;
      if (prints) await cli.write(escapeAll(output.slice(Math.max(0, printed - outputFrom))));
      printed = Math.max(printed, outputFrom + output.length);
      if (!isRunning(line)) return await api.call('showCronRun', { params });
    }
    await pauseBeforePoll(cli); // an older controller sends one line only
  }
  return undefined;
}

/** The exit code of the command; 1 when it is unknown. */
function exitCode({ exitCode: code }: CronOutputBody): number {
  return code === undefined || code === 0 ? 1 : code;
}
