import { quoteInput } from '../../shared/domain/names.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { show, textFlag, type Cli, type CommandRun } from '../cli.ts';
import { usageError } from '../usage-error.ts';
import { removeRemotesTo } from './git-remote.ts';
import { renderDestroyed } from './render-destroyed.ts';

export const destroy: CommandRun = async (cli, [positional], flags) => {
  const app = await appNamed(cli, positional, flags);
  const api = await cli.api();
  // Report a misspelled name before asking for a confirmation.
  const { gitUrl } = await api.call('showApp', { params: { app } });
  await confirm(cli, app, textFlag(flags, 'confirm'));
  const body = await api.call('destroyApp', { params: { app } });
  await show(cli, flags, {
    body,
    render: ({ name }) => `Destroyed ${cli.paint.bold(name)}. Its name and its domains are free.\n`,
  });
  for (const remote of await removeRemotesTo(cli, gitUrl))
    cli.note(`Removed the git remote ${remote} from this folder.\n`);
};

async function appNamed(cli: Cli, positional: string | undefined, flags: Parameters<CommandRun>[2]): Promise<string> {
  if (positional === undefined) return cli.app(flags);
  const flag = textFlag(flags, 'app') ?? positional;
  if (flag === positional) return positional;
  throw usageError(
    `You named two apps: ${quoteInput(positional)} and ${quoteInput(flag)}.`,
    'Name one app: slipway apps:destroy -a APP',
  );
}

/** Takes the name from the flag, or asks for it on a terminal, as Heroku does. @throws SLIP_CLI_CONFIRM */
async function confirm(cli: Cli, app: string, flag: string | undefined): Promise<void> {
  if (flag !== undefined) {
    requireSame(app, flag);
    return;
  }
  const warning = `This destroys ${app} with its releases, builds, config vars, domains and repository. It cannot be undone.\n`;
  const typed = await cli.readLine(`${warning}To proceed, type ${app}: `);
  if (typed === undefined) throw notConfirmed(app, `Destroying ${app} needs its name as a confirmation.`);
  requireSame(app, typed);
}

function requireSame(app: string, typed: string): void {
  if (typed !== app) throw notConfirmed(app, `${quoteInput(typed)} is not the name ${app}.`);
}

function notConfirmed(app: string, why: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CLI_CONFIRM',
    message: `${why} Nothing was destroyed.`,
    hint: `slipway apps:destroy -a ${app} --confirm ${app}`,
  });
}

export const destroyed: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call('listDestroyedApps');
  await show(cli, flags, { body, render: (apps) => renderDestroyed(apps, { paint: cli.paint, nowMs: cli.nowMs() }) });
};
