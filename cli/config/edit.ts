import { createReadStream } from 'node:fs';
import type { ConfigBody, ConfigChangedBody } from '../../shared/api/releases.ts';
import { CONFIG_BYTES_MAX } from '../../shared/domain/config-size.ts';
import { parseConfigName } from '../../shared/domain/names.ts';
import { ownProperty } from '../../shared/kit/own-property.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { show, type Cli, type CommandRun, type Flags } from '../cli.ts';
import { withPrivateFile, type PrivateFile } from '../terminal/private-file.ts';
import { renderConfigForShell } from '../terminal/shell-assignments.ts';
import { changeConfig, readConfig, showChange, type ConfigChange } from './change.ts';
import { parseEnvFile, valuesOf } from './env-file/parse.ts';
import { isEmpty, planReplace } from './plan.ts';
import { readText } from './read-value.ts';
import { showPlan } from './show-plan.ts';

/** Other changes that an edit waits for before it gives up. */
const ATTEMPTS = 3;

export const edit: CommandRun = async (cli, [name], flags) => {
  const app = await cli.app(flags);
  const before = await readConfig(cli, app);
  const editing = name === undefined ? allVars(app, before) : oneValue(parseConfigName(name), before);
  const { fileName, text } = editing;
  const done = await withPrivateFile({ name: fileName, text }, (file) =>
    editUntilSet(cli, flags, { ...editing, app, before, file }),
  );
  if (done === undefined) {
    await show(cli, flags, {
      body: { config: before.config, changed: [] },
      render: () => `Nothing was changed on ${app}.\n`,
    });
    return;
  }
  await showChange(cli, flags, done);
};

type Vars = Readonly<Record<string, string>>;

/** What the editor shows, and how the edited file is read. */
interface Editing {
  readonly fileName: string;
  readonly text: string;
  /** All config vars as they are to be. */
  readonly read: (file: PrivateFile) => Promise<Vars>;
}

function allVars(app: string, before: ConfigBody): Editing {
  return {
    fileName: `${app}.env`,
    text: `# The config vars of ${app}. To remove one, remove its line. Save and close the editor to set them.\n${renderConfigForShell(before)}`,
    read: async (file) => valuesOf(parseEnvFile(await file.read(), 'the edited text')),
  };
}

/** The file is the value, byte for byte. Most editors add a newline at the end of a file that has none; this one is removed again. */
function oneValue(name: string, { config }: ConfigBody): Editing {
  const value = ownProperty(config, name);
  const text = value ?? '';
  const limits = { name: 'The edited text', maxBytes: CONFIG_BYTES_MAX + 1, example: 'Shorten it.' };
  return {
    fileName: name,
    text,
    read: async (file) => {
      const edited = await readText(createReadStream(file.path), limits);
      const added = edited.endsWith('\n') && !text.endsWith('\n');
      const wanted = added ? edited.replace(/\r?\n$/, '') : edited;
      return value === undefined && wanted === '' ? config : { ...config, [name]: wanted };
    },
  };
}

interface Edit extends Pick<Editing, 'read'> {
  readonly app: string;
  /** The config vars when the editor was opened. */
  readonly before: ConfigBody;
  readonly file: PrivateFile;
}

interface Done {
  readonly change: ConfigChange;
  readonly body: ConfigChangedBody;
}

/** After a mistake, the user can edit the same text again. Undefined: nothing was changed. */
async function editUntilSet(cli: Cli, flags: Flags, { app, before, file, read }: Edit): Promise<Done | undefined> {
  for (;;) {
    await cli.openEditor(file.path);
    try {
      const plan = planReplace({ from: await read(file), to: before.config });
      if (isEmpty(plan)) return undefined;
      await showPlan(cli, flags, plan);
      return await setEdited(cli, { app, verb: 'Changed', changes: plan.changes }, before);
    } catch (error) {
      if (!(error instanceof SlipwayError) || error.kind !== 'user') throw error;
      cli.note(` !     ${error.message}\n`);
      const again = await cli.readLine('Edit the text again? [Y/n] ');
      if (again === undefined || /^n/i.test(again)) throw error;
    }
  }
}

/** Changes of other names, made while the editor was open, stay. */
async function setEdited(cli: Cli, change: ConfigChange, before: ConfigBody): Promise<Done> {
  let base = before;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return { change, body: await changeConfig(cli, { ...change, revision: base.revision }) };
    } catch (error) {
      if (!(error instanceof SlipwayError) || error.code !== 'SLIP_CONFIG_CHANGED' || attempt === ATTEMPTS) throw error;
      base = await readConfig(cli, change.app);
      refuseClash(change, before, base);
    }
  }
}

/** @throws SLIP_CLI_EDIT_CLASH */
function refuseClash({ app, changes }: ConfigChange, before: ConfigBody, now: ConfigBody): void {
  const clash = Object.keys(changes).filter(
    (name) => ownProperty(before.config, name) !== ownProperty(now.config, name),
  );
  if (clash.length === 0) return;
  throw new SlipwayError({
    code: 'SLIP_CLI_EDIT_CLASH',
    kind: 'conflict',
    message: `Somebody else changed ${clash.join(', ')} on ${app} while your editor was open. Nothing of your edit was set.`,
    hint: `See the values now with: slipway config -a ${app}. Then edit again: slipway config:edit -a ${app}`,
  });
}
