import { runAttachedCommand } from '../attached-command.ts';
import { textFlag, type CommandRun, type Flags } from '../cli.ts';
import { usageError } from '../usage-error.ts';

const INSTANCE = /^[A-Za-z0-9_-]{1,63}\.\d{1,6}$/;

/** The instance and the command: `[web.1] [command…]`. */
export function execTarget(words: readonly string[], flags: Flags): { instance: string; command: readonly string[] } {
  const named = textFlag(flags, 'dyno');
  if (named !== undefined && !INSTANCE.test(named))
    throw usageError('--dyno must be an instance.', 'For example: slipway ps:exec --dyno web.2');
  const [first = '', ...rest] = words;
  if (named !== undefined) return { instance: named, command: words };
  if (!INSTANCE.test(first)) return { instance: 'web.1', command: words };
  if (rest[0]?.startsWith('-') === true)
    throw usageError(
      `The words after ${first} are the command, and a command cannot begin with ${rest[0]}.`,
      `Options come before the instance: slipway ps:exec -a APP ${first} COMMAND`,
    );
  return { instance: first, command: rest };
}

export const exec: CommandRun = async (cli, words, flags) => {
  const { instance, command } = execTarget(words, flags);
  const app = await cli.app(flags);
  const console = cli.console();
  const terminal = flags['tty'] === false ? undefined : console.terminal;
  const stream = await (await cli.api()).attach('attachInstance', { params: { app, instance } });
  cli.setExitCode(await runAttachedCommand(console, { stream, words: command, terminal }));
};
