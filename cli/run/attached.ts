import type { AttachedProcess } from '../../shared/attach/attached-process.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { SlipwayError, toSlipwayError } from '../../shared/kit/errors.ts';
import { runAttachedCommand } from '../attached-command.ts';
import type { Cli, CommandRun } from '../cli.ts';
import { pauseBeforePoll } from '../poll.ts';
import { commandLine } from './command-line.ts';
import { newRun } from './run-flags.ts';

/** The API has no stream of the state of a command. */
const POLL_MS = 1_000;

/** A command that is stopped gets SIGKILL after 3 s. */
const STOPPED_LOOKS = 10;

interface Run {
  readonly app: string;
  readonly run: string;
}

/** Starts the command, then connects the standard streams with it. The command waits for that. */
export const attached: CommandRun = async (cli, words, flags) => {
  const app = await cli.app(flags);
  const console = cli.console();
  const terminal = flags['tty'] === false ? undefined : console.terminal;
  const command = words.length === 0 ? 'bash' : commandLine(words);
  const api = await cli.api();
  const body = await api.call('startRun', { params: { app }, body: { ...newRun(flags), command, attached: true } });
  cli.note(`Running ${cli.paint.cyan(body.command)} on ${app}... ${body.name}\n`);
  const run = { app, run: body.name };
  const stream = await api.attach('attachRun', { params: run });
  const watch = (process: AttachedProcess): Promise<never> => untilFailed(cli, run, process);
  try {
    cli.setExitCode(await runAttachedCommand(console, { stream, words: [], terminal, watch }));
  } catch (error) {
    throw await whyStopped(cli, run, toSlipwayError(error));
  }
};

/** The stream of a stopped command does not know the reason: a user stopped it, its node was drained, or its time was over. */
async function whyStopped(cli: Cli, params: Run, error: SlipwayError): Promise<SlipwayError> {
  if (error.code !== 'SLIP_ATTACH_STOPPED') return error;
  const api = await cli.api();
  for (let looks = 0; looks < STOPPED_LOOKS && !cli.signal.aborted; looks += 1) {
    const found = await api.call('showRun', { params }).catch(() => undefined);
    if (found === undefined) return error;
    if (found.failure !== undefined) return new SlipwayError({ ...found.failure, kind: 'conflict' });
    await pauseBeforePoll(cli);
  }
  return error;
}

/** A command that cannot start says nothing on its stream. Rejects with its failure; pends when it has started. */
async function untilFailed(cli: Cli, params: Run, process: AttachedProcess): Promise<never> {
  const state = { started: false };
  void process.started.finally(() => (state.started = true)).catch(() => undefined);
  const api = await cli.api();
  for (;;) {
    await systemClock.sleep(POLL_MS);
    if (state.started) return await new Promise<never>(() => undefined);
    const { failure } = await api.call('showRun', { params });
    if (failure !== undefined) throw new SlipwayError({ ...failure, kind: 'transient' });
  }
}
