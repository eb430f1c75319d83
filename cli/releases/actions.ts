import { renderContext, show, type CommandRun } from '../cli.ts';
import { pageLimit } from '../parse-flags.ts';
import { renderReleases } from './render.ts';

export const releases: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const most = pageLimit(flags);
  const body = await (await cli.api()).call('listReleases', { params: { app }, query: { limit: most } });
  await show(cli, flags, {
    body,
    render: (rows) => renderReleases(app, rows, { ...renderContext(cli), isEnd: rows.length < most }),
  });
};
