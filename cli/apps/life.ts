import { show, textFlag, type CommandRun } from '../cli.ts';
import { renderProblems } from '../terminal/problems.ts';
import { usageError } from '../usage-error.ts';
import { moveRemotes } from './git-remote.ts';

/** As Heroku does: it also changes the git remotes of this folder that lead to the app. */
export const rename: CommandRun = async (cli, [name = ''], flags) => {
  const app = await cli.app(flags);
  const api = await cli.api();
  const before = await api.call('showApp', { params: { app } });
  const body = await api.call('renameApp', { params: { app }, body: { name } });
  await show(cli, flags, {
    body,
    render: (now) =>
      `Renaming ${before.name} to ${cli.paint.bold(now.name)}... done\n${cli.paint.cyan(now.webUrl)} | ${now.gitUrl}\n${renderProblems(now.problems, cli.paint)}`,
  });
  for (const remote of await moveRemotes(cli, { from: before.gitUrl, to: body.gitUrl }))
    cli.note(`The git remote ${remote} of this folder leads to ${body.name} now.\n`);
  cli.note(`In other copies of the repository, run: git remote set-url slipway ${body.gitUrl}\n`);
};

export const lock: CommandRun = async (cli, _args, flags) => {
  const why = textFlag(flags, 'message');
  if (why === undefined)
    throw usageError(
      'Say why deploys are locked.',
      'For example: slipway apps:lock -m "database migration until 17:00"',
    );
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('lockApp', { params: { app }, body: { why } });
  await show(cli, flags, {
    body,
    render: (answer) =>
      `Deploys of ${cli.paint.bold(app)} are locked: ${answer.why}\nAllow them again with: slipway apps:unlock -a ${app}\n`,
  });
};

export const unlock: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  await (await cli.api()).call('unlockApp', { params: { app } });
  await show(cli, flags, {
    body: { app, locked: false },
    render: () => `Deploys of ${cli.paint.bold(app)} are allowed.\n`,
  });
};
