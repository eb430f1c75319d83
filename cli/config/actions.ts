import { SlipwayError } from '../../shared/kit/errors.ts';
import { ownProperty } from '../../shared/kit/own-property.ts';
import { show, textFlag, type Cli, type CommandRun, type Flags } from '../cli.ts';
import { parseAssignments } from '../parse-flags.ts';
import { renderConfigForShell } from '../terminal/shell-assignments.ts';
import { usageError } from '../usage-error.ts';
import { changeConfig, readConfig, showChange, type ConfigChange } from './change.ts';
import { readValue } from './read-value.ts';
import { renderConfig } from '../terminal/config-vars.ts';

export const list: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const body = await readConfig(cli, app);
  await show(cli, flags, {
    body,
    render: (config) => (flags['shell'] === true ? renderConfigForShell(config) : renderConfig(app, config, cli.paint)),
  });
};

export const get: CommandRun = async (cli, names, flags) => {
  const app = await cli.app(flags);
  const { config } = await readConfig(cli, app);
  const chosen: Record<string, string> = {};
  for (const name of names) {
    const value = ownProperty(config, name);
    if (value === undefined) throw notSet(app, name);
    chosen[name] = value;
  }
  await show(cli, flags, {
    body: chosen,
    render: () =>
      flags['shell'] === true ? renderConfigForShell({ config: chosen }) : `${Object.values(chosen).join('\n')}\n`,
  });
};

export const set: CommandRun = async (cli, words, flags) => {
  const file = textFlag(flags, 'file');
  await change(cli, flags, {
    verb: 'Set',
    changes: file === undefined ? parseAssignments(words) : await fromFile(cli, words, file),
  });
};

/** A flag, not a prefix of the value such as `@file`, so that NAME=value can set any value. */
async function fromFile(
  cli: Cli,
  [name = '', ...others]: readonly string[],
  file: string,
): Promise<Readonly<Record<string, string>>> {
  if (others.length > 0 || name.includes('='))
    throw usageError(
      '--file sets one variable: give its name without a value.',
      'For example: slipway config:set TLS_KEY --file key.pem',
    );
  return { [name]: await readValue(file, cli) };
}

export const unset: CommandRun = async (cli, names, flags) => {
  await change(cli, flags, { verb: 'Unset', changes: Object.fromEntries(names.map((name) => [name, null])) });
};

async function change(
  cli: Cli,
  flags: Flags,
  { verb, changes }: Pick<ConfigChange, 'verb' | 'changes'>,
): Promise<void> {
  const made = { app: await cli.app(flags), verb, changes };
  await showChange(cli, flags, { change: made, body: await changeConfig(cli, made) });
}

function notSet(app: string, name: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CLI_NOT_SET',
    message: `${app} has no config var ${JSON.stringify(name)}.`,
    hint: `List them with: slipway config -a ${app}`,
  });
}
