import type { AppBody } from '../../shared/api/apps.ts';
import { show, textFlag, type Cli, type CommandRun } from '../cli.ts';
import { usageError } from '../usage-error.ts';
import { isGitFolder, notAGitFolder, remoteUrl, setRemote } from './git-remote.ts';
import { renderAppInfo, renderAppInfoForShell, renderApps } from './render.ts';

export const list: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).list('listApps');
  await show(cli, flags, { body, render: (apps) => renderApps(apps, cli.paint) });
};

export const info: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('showApp', { params: { app } });
  await show(cli, flags, {
    body,
    render: (answer) =>
      flags['shell'] === true ? renderAppInfoForShell(answer) : renderAppInfo(answer, cli.paint, cli.nowMs()),
  });
};

export const create: CommandRun = async (cli, [name], flags) => {
  const body = await (await cli.api()).call('createApp', { body: name === undefined ? {} : { name } });
  await show(cli, flags, {
    body,
    render: (app) => `Created ${cli.paint.bold(app.name)}\n${cli.paint.cyan(app.webUrl)} | ${app.gitUrl}\n`,
  });
  if (flags['remote'] === false || !(await isGitFolder(cli))) return;
  await addRemote(cli, body, textFlag(flags, 'remote') ?? 'slipway');
};

/** Keeps an existing remote, so that the folder still pushes to the same app. */
async function addRemote(cli: Cli, app: AppBody, remote: string): Promise<void> {
  const before = await remoteUrl(cli, remote);
  if (before !== undefined && before !== app.gitUrl) {
    cli.note(
      `The git remote ${remote} of this folder stays ${before}. To change it: slipway git:remote -a ${app.name}\n`,
    );
    return;
  }
  await setRemote(cli, { remote, url: app.gitUrl });
  cli.note(`Deploy it with: git push ${remote} main\n`);
}

export const open: CommandRun = async (cli, [path = '/'], flags) => {
  const app = await cli.app(flags);
  const { webUrl } = await (await cli.api()).call('showApp', { params: { app } });
  const url = path === '/' ? webUrl : pageUrl(webUrl, path);
  await cli.write(`${url}\n`);
  if (cli.interactive) await openBrowser(cli, url);
};

/** The address of a page of the app. @throws SLIP_CLI_USAGE if the path leads to another site */
function pageUrl(webUrl: string, path: string): string {
  const url = new URL(path.replace(/^\/*/, '/'), webUrl);
  if (url.origin === new URL(webUrl).origin) return url.href;
  throw usageError(`${JSON.stringify(path)} is not a path of the app.`, 'For example: slipway open /orders');
}

/** The address is already on the screen, so a failure is only noted. */
async function openBrowser(cli: Parameters<CommandRun>[0], url: string): Promise<void> {
  const file = process.platform === 'darwin' ? 'open' : 'xdg-open';
  const result = await cli.run({ file, args: [url], env: cli.env, timeoutMs: 5_000 }).catch(() => undefined);
  if (result?.code !== 0) cli.note('No browser could be opened on this machine.\n');
}

export const gitRemote: CommandRun = async (cli, _args, flags) => {
  if (!(await isGitFolder(cli))) throw notAGitFolder();
  const name = textFlag(flags, 'remote') ?? 'slipway';
  // In this command, --remote names the new remote, not an existing remote of the app.
  const app = await cli.app({ ...flags, remote: undefined });
  const { gitUrl } = await (await cli.api()).call('showApp', { params: { app } });
  const body = { remote: name, url: gitUrl };
  await setRemote(cli, body);
  await show(cli, flags, { body, render: () => `The git remote ${name} leads to ${gitUrl}\n` });
};
