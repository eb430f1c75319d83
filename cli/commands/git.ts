import type { AppInfoBody } from '../../shared/api/apps.ts';
import { show, textFlag, type CommandRun } from '../cli.ts';
import { isGitFolder, notAGitFolder, setRemote } from '../git-remote.ts';

export const remote: CommandRun = async (cli, _args, flags) => {
  if (!(await isGitFolder(cli))) throw notAGitFolder();
  const name = textFlag(flags, 'remote') ?? 'slipway';
  // Here --remote names the remote to make, not one that leads to the app.
  const app = await cli.app({ ...flags, remote: undefined });
  const { gitUrl } = await (await cli.api()).call<AppInfoBody>('GET', `/apps/${app}`);
  const body = { remote: name, url: gitUrl };
  await setRemote(cli, body);
  await show(cli, flags, { body, render: () => `Git remote ${name} leads to ${gitUrl}\n` });
};
