import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { readFileIfExists, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import { CONFIG_BYTES_MAX } from '../../shared/domain/config-size.ts';
import { show, textFlag, type Cli, type CommandRun, type Flags } from '../cli.ts';
import { changeConfig, readConfig, showChange } from './change.ts';
import { confirmChange, countVars } from './confirm.ts';
import { parseEnvFile, valuesOf } from './env-file/parse.ts';
import { updateEnvFile } from './env-file/update.ts';
import { renderEnvFile } from './env-file/write.ts';
import { isEmpty, planMerge, planReplace, withRemoved, type ConfigPlan } from './plan.ts';
import { showPlan } from './show-plan.ts';
import { readText } from './read-value.ts';

/** Quotes, comments and the lines for foreman need space beside the values. */
const FILE_BYTES_MAX = 4 * CONFIG_BYTES_MAX;

export const dump: CommandRun = async (cli, _args, flags) => {
  const { config } = await readConfig(cli, await cli.app(flags));
  await show(cli, flags, { body: config, render: renderEnvFile });
};

export const push: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const file = fileOf(flags);
  const text = await readText(file === '-' ? cli.stdin() : createReadStream(resolve(cli.cwd, file)), {
    name: file === '-' ? 'Standard input' : file,
    maxBytes: FILE_BYTES_MAX,
    example: 'For example: slipway config:push --file staging.env',
  });
  const from = chosenOf(valuesOf(parseEnvFile(text, file)), flags);
  const before = await readConfig(cli, app);
  const to = before.config;
  const merged = planMerge({ from, to, overwrite: flags['overwrite'] === true });
  const plan = flags['clean'] === true ? withRemoved(merged, { from, to }) : merged;
  const shown = quiet(cli, flags);
  await showPlan(shown, flags, plan);
  if (isEmpty(plan)) {
    await show(shown, flags, {
      body: { config: to, changed: [] },
      render: () => `Nothing to set: ${app} has a value for every variable of ${file}.\n`,
    });
    return;
  }
  const verb = plan.removed.length === 0 ? 'Set' : 'Change';
  await confirmChange(cli, flags, `${verb} ${countVars(Object.keys(plan.changes).length)} on ${app}?`);
  const change = {
    app,
    verb: plan.removed.length === 0 ? 'Set' : 'Changed',
    changes: plan.changes,
    revision: before.revision,
  } as const;
  await showChange(shown, flags, { change, body: await changeConfig(cli, change) });
};

export const pull: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const file = fileOf(flags);
  const path = resolve(cli.cwd, file);
  const [{ config }, text] = [await readConfig(cli, app), await readFileIfExists(path)];
  const { plan, after } = flags['clean'] === true ? cleanFile(config) : mergedFile(config, text ?? '', flags);
  const shown = quiet(cli, flags);
  await showPlan(shown, flags, plan);
  if (plan.replaced.length > 0)
    await confirmChange(cli, flags, `Replace ${countVars(plan.replaced.length)} in ${file}?`);
  if (after !== text && !(isEmpty(plan) && text === undefined)) await writeFileAtomic(path, after, 0o600);
  await show(shown, flags, {
    body: { file: path, changed: Object.keys(plan.changes).sort() },
    render: ({ changed }) =>
      changed.length === 0
        ? `Nothing to write: ${file} has a value for every variable of ${app}.\n`
        : `Wrote ${countVars(changed.length)} of ${app} to ${file}\n`,
  });
};

interface NewFile {
  readonly plan: ConfigPlan;
  readonly after: string;
}

/** The flag replaces the whole file, so its content is not read, and there is no question. */
function cleanFile(config: Readonly<Record<string, string>>): NewFile {
  return { plan: planReplace({ from: config, to: {} }), after: renderEnvFile(config) };
}

/** The other lines and the comments of the file stay. */
function mergedFile(config: Readonly<Record<string, string>>, text: string, flags: Flags): NewFile {
  const entries = parseEnvFile(text, fileOf(flags));
  const plan = planMerge({ from: config, to: valuesOf(entries), overwrite: flags['overwrite'] === true });
  const chosen = Object.fromEntries(Object.entries(config).filter(([name]) => Object.hasOwn(plan.changes, name)));
  return { plan, after: isEmpty(plan) ? text : updateEnvFile(text, entries, chosen) };
}

function chosenOf(vars: Readonly<Record<string, string>>, flags: Flags): Readonly<Record<string, string>> {
  if (flags['skipEmpty'] !== true) return vars;
  return Object.fromEntries(Object.entries(vars).filter(([, value]) => value !== ''));
}

/** With `--quiet`, only errors and questions are printed. */
function quiet(cli: Cli, flags: Flags): Cli {
  return flags['quiet'] === true ? { ...cli, write: () => Promise.resolve(), note: () => undefined } : cli;
}

function fileOf(flags: Flags): string {
  return textFlag(flags, 'file') ?? '.env';
}
