import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { readFileIfExists, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import { CONFIG_BYTES_MAX } from '../../shared/domain/config-size.ts';
import { show, textFlag, type CommandRun, type Flags } from '../cli.ts';
import { changeConfig, readConfig, showChange } from './change.ts';
import { confirmChange, countVars } from './confirm.ts';
import { parseEnvFile, valuesOf } from './env-file/parse.ts';
import { updateEnvFile } from './env-file/update.ts';
import { renderEnvFile } from './env-file/write.ts';
import { isEmpty, planMerge } from './plan.ts';
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
  const from = valuesOf(parseEnvFile(text, file));
  const before = await readConfig(cli, app);
  const plan = planMerge({ from, to: before.config, overwrite: flags['overwrite'] === true });
  await showPlan(cli, flags, plan);
  if (isEmpty(plan)) {
    await show(cli, flags, {
      body: { config: before.config, changed: [] },
      render: () => `Nothing to set: ${app} has a value for every variable of ${file}.\n`,
    });
    return;
  }
  await confirmChange(cli, flags, `Set ${countVars(Object.keys(plan.changes).length)} on ${app}?`);
  const change = { app, verb: 'Set', changes: plan.changes, revision: before.revision } as const;
  await showChange(cli, flags, { change, body: await changeConfig(cli, change) });
};

export const pull: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const file = fileOf(flags);
  const path = resolve(cli.cwd, file);
  const [{ config }, text] = [await readConfig(cli, app), await readFileIfExists(path)];
  const entries = parseEnvFile(text ?? '', file);
  const plan = planMerge({ from: config, to: valuesOf(entries), overwrite: flags['overwrite'] === true });
  const chosen = Object.fromEntries(Object.entries(config).filter(([name]) => Object.hasOwn(plan.changes, name)));
  const after = updateEnvFile(text ?? '', entries, chosen);
  await showPlan(cli, flags, plan);
  if (plan.replaced.length > 0)
    await confirmChange(cli, flags, `Replace ${countVars(plan.replaced.length)} in ${file}?`);
  if (!isEmpty(plan)) await writeFileAtomic(path, after, 0o600);
  await show(cli, flags, {
    body: { file: path, changed: Object.keys(chosen).sort() },
    render: ({ changed }) =>
      changed.length === 0
        ? `Nothing to write: ${file} has a value for every variable of ${app}.\n`
        : `Wrote ${countVars(changed.length)} of ${app} to ${file}\n`,
  });
};

function fileOf(flags: Flags): string {
  return textFlag(flags, 'file') ?? '.env';
}
