import type { ConfigBody, ConfigChangedBody } from '../../shared/api/releases.ts';
import { renderSwitch } from '../terminal/switch-lines.ts';
import { show, type Cli, type Flags } from '../cli.ts';

export interface ConfigChange {
  readonly app: string;
  readonly verb: 'Set' | 'Unset' | 'Changed';
  /** `null` removes a variable. */
  readonly changes: Readonly<Record<string, string | null>>;
  /** The revision on which the change is based. Undefined: any. */
  readonly revision?: string | undefined;
}

/** The values as they are. For programs and files, not for a terminal. */
export async function readConfig(cli: Cli, app: string): Promise<ConfigBody> {
  return await (await cli.api()).callAsIs('showConfig', { params: { app } });
}

/** All changes are one release. @throws SLIP_CONFIG_CHANGED when the config has another revision */
export async function changeConfig(cli: Cli, { app, changes, revision }: ConfigChange): Promise<ConfigChangedBody> {
  const query = revision === undefined ? {} : { query: { revision } };
  return await (await cli.api()).call('changeConfig', { params: { app }, body: { ...changes }, ...query });
}

export async function showChange(
  cli: Cli,
  flags: Flags,
  { change, body }: { readonly change: ConfigChange; readonly body: ConfigChangedBody },
): Promise<void> {
  await show(cli, flags, {
    body,
    render: (answer) => `${changeLine(change, answer)}\n${renderSwitch(answer.switch).join('')}`,
  });
}

function changeLine(
  { app, verb, changes }: ConfigChange,
  { version, changed = Object.keys(changes) }: Pick<ConfigChangedBody, 'version' | 'changed'>,
): string {
  const names = Object.keys(changes);
  if (changed.length === 0 && version === undefined)
    return `Nothing to change: ${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} ${verb === 'Unset' ? 'not set' : 'already set to this'} on ${app}`;
  const what = `${verb} ${(changed.length === 0 ? names : changed).join(', ')} on ${app}`;
  return version === undefined ? `${what}, used from the first release` : `${what}, live as v${String(version)}`;
}
