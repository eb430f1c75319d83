import { Command, CommanderError, Option } from 'commander';
import { nearest } from '../shared/kit/nearest.ts';
import { ownProperty } from '../shared/kit/own-property.ts';
import type { Cli, Flags } from './cli.ts';
import type { CommandSpec } from './command-spec.ts';
import { ALIASES, COMMANDS } from './command-table.ts';
import { usageError } from './usage-error.ts';

/** Turns `apps info` into `apps:info`, and an alias into the name of its command. */
export function normalise(argv: readonly string[]): readonly string[] {
  const names = new Set(namesOfCommands());
  const [noun, verb, ...rest] = argv;
  if (noun === undefined) return argv;
  if (noun === 'help') return askForHelp(normalise(argv.slice(1)), names);
  const joined = verb === undefined ? undefined : `${noun}:${verb}`;
  const [name, tail] = joined !== undefined && names.has(joined) ? [joined, rest] : [noun, argv.slice(1)];
  return [ownProperty(ALIASES, name) ?? name, ...tail];
}

/** For an unknown command, `help` reports the same error as the command. */
function askForHelp(argv: readonly string[], names: ReadonlySet<string>): readonly string[] {
  const [name] = argv;
  return name === undefined || name.startsWith('-') || names.has(name) ? [...argv, '--help'] : [name];
}

/** Parses and runs one command line. @throws what the command throws; usage errors as SLIP_CLI_USAGE */
export async function runProgram(argv: readonly string[], cli: Cli): Promise<void> {
  const words = normalise(argv);
  const [name = '--help'] = words;
  // Checked before the flags, because with a wrong command the flags are not the mistake.
  if (!name.startsWith('-') && COMMANDS.every((command) => command.name !== name)) unknownCommand(name);
  try {
    await buildProgram(cli).parseAsync([...words], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw explainUsage(error, argv);
  }
}

function buildProgram(cli: Cli): Command {
  const program = new Command('slipway');
  program
    .usage('COMMAND [flags]')
    .description('git push to your own metal.')
    .exitOverride()
    .configureOutput({
      writeErr: () => undefined,
      outputError: () => undefined,
      writeOut: (text) => void cli.write(text),
    })
    .addHelpText('after', '\nHelp for one command:\n  $ slipway logs --help\n')
    .helpCommand(false)
    .showSuggestionAfterError(false)
    .enablePositionalOptions()
    .allowExcessArguments(true)
    .action(() => program.outputHelp());
  for (const spec of COMMANDS)
    program.addCommand(buildCommand(spec, cli).copyInheritedSettings(program).allowExcessArguments(false));
  return program;
}

function buildCommand(spec: CommandSpec, cli: Cli): Command {
  const command = new Command(spec.name)
    .summary(spec.summary)
    .description(`${capitalised(spec.summary)}.`)
    .helpGroup(`${spec.group}:`);
  if (spec.args !== undefined) command.arguments(spec.args);
  if (spec.passesFlags === true) command.passThroughOptions();
  if (spec.app === true) {
    command.option(
      '-a, --app <name>',
      'the app (default: SLIPWAY_APP, or else the app of the git remote of this folder)',
    );
    command.option('-r, --remote <remote>', 'the git remote of the app');
  }
  for (const [flags, summary] of spec.options ?? []) command.addOption(new Option(flags, summary));
  if (spec.json === true) command.option('-j, --json', 'print JSON');
  command.addHelpText('after', `\nExample:\n  $ ${spec.example}\n`);
  return command.action(async () => {
    const run = await spec.load();
    await run(cli, command.args, command.opts<Flags>());
  });
}

function namesOfCommands(): readonly string[] {
  return [...COMMANDS.map((command) => command.name), ...Object.keys(ALIASES)];
}

function unknownCommand(name: string): never {
  const near = nearest(name, namesOfCommands());
  throw usageError(
    `There is no command ${JSON.stringify(name)}.`,
    near === undefined ? 'List all commands with: slipway --help' : `Did you mean: slipway ${near}`,
  );
}

/** Turns an error of commander into a usage error. */
function explainUsage(error: CommanderError, argv: readonly string[]): unknown {
  const message = capitalised(error.message.replace(/^error: /, ''));
  const [name = '', verb = ''] = normalise(argv);
  const spec = COMMANDS.find((command) => command.name === name);
  const flag = /unknown option '(-[^']*)'/.exec(error.message)?.[1];
  const nearFlag = flag === undefined || spec === undefined ? undefined : nearest(flag, flagsOf(spec));
  const near = error.code === 'commander.excessArguments' ? nearest(`${name}:${verb}`, namesOfCommands()) : nearFlag;
  const hint =
    near === undefined ? `See: slipway ${spec === undefined ? '' : `${spec.name} `}--help` : `Did you mean ${near}?`;
  return usageError(message.endsWith('.') ? message : `${message}.`, hint);
}

function flagsOf(spec: CommandSpec): readonly string[] {
  const common = [
    ...(spec.app === true ? ['--app', '--remote'] : []),
    ...(spec.json === true ? ['--json'] : []),
    '--help',
  ];
  return [...common, ...(spec.options ?? []).flatMap(([flags]) => flags.match(/--[a-z-]+/g) ?? [])];
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
