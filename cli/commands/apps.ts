import type { AppBody, AppInfoBody } from '../../shared/domain/api.ts';
import { show, textFlag, type CommandRun } from '../cli.ts';
import { renderAppInfo, renderApps } from '../render/apps.ts';
import { addRemote, isGitFolder } from '../git-remote.ts';

export const list: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call<AppBody[]>('GET', '/apps');
  await show(cli, flags, { body, render: (apps) => renderApps(apps, cli.paint) });
};

export const info: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call<AppInfoBody>('GET', `/apps/${app}`);
  await show(cli, flags, { body, render: (of) => renderAppInfo(of, cli.paint, cli.nowMs()) });
};

export const create: CommandRun = async (cli, [name], flags) => {
  const body = await (await cli.api()).call<AppBody>('POST', '/apps', name === undefined ? {} : { name });
  await show(cli, flags, { body, render: (app) => `Created ${cli.paint.bold(app.name)}\n${cli.paint.cyan(app.webUrl)} | ${app.gitUrl}\n` });
  if (flags['remote'] === false || !(await isGitFolder(cli))) return;
  const remote = textFlag(flags, 'remote') ?? 'slipway';
  await addRemote(cli, { remote, url: body.gitUrl });
  cli.note(`Deploy it with: git push ${remote} main\n`);
};

export const open: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const { webUrl } = await (await cli.api()).call<AppInfoBody>('GET', `/apps/${app}`);
  await cli.write(`${webUrl}\n`);
  if (cli.interactive) await openBrowser(cli, webUrl);
};

/** Best effort: the address is on the screen already. */
async function openBrowser(cli: Parameters<CommandRun>[0], url: string): Promise<void> {
  const file = process.platform === 'darwin' ? 'open' : 'xdg-open';
  const result = await cli.run({ file, args: [url], env: cli.env, timeoutMs: 5_000 }).catch(() => undefined);
  if (result?.code !== 0) cli.note('No browser could be opened here.\n');
}
