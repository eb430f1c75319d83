import { SLUGS_KEPT_MAX } from '../../shared/domain/history.ts';
import { show, type Cli, type CommandRun, type Flags } from '../cli.ts';
import { parseCount } from '../parse-flags.ts';
import { renderRetention } from './render.ts';
import { parseVersion } from './version.ts';

export const retention: CommandRun = async (cli, [given], flags) => {
  const slugs = given === undefined ? undefined : parseSlugs(given);
  const app = await cli.app(flags);
  const api = await cli.api();
  const params = { app };
  const body =
    slugs === undefined
      ? await api.call('showRetention', { params })
      : await api.call('changeRetention', { params, body: { slugs } });
  await show(cli, flags, { body, render: (answer) => renderRetention(app, answer) });
};

/** Null sets the default. */
function parseSlugs(text: string): number | null {
  return text === 'default' ? null : parseCount(text, { flag: 'slugs', min: 0, max: SLUGS_KEPT_MAX });
}

export const pin: CommandRun = (cli, [version = ''], flags) => setPinned(cli, flags, { version, pinned: true });

export const unpin: CommandRun = (cli, [version = ''], flags) => setPinned(cli, flags, { version, pinned: false });

async function setPinned(
  cli: Cli,
  flags: Flags,
  change: { readonly version: string; readonly pinned: boolean },
): Promise<void> {
  const { pinned } = change;
  const version = String(parseVersion(change.version, 'slipway releases:pin v7'));
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('changeRelease', { params: { app, version }, body: { pinned } });
  await show(cli, flags, {
    body,
    render: (answer) => `${pinned ? 'Pinned' : 'Unpinned'} v${version}.\n${renderRetention(app, answer)}`,
  });
}
