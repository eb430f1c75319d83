import type { DomainAddedBody, DomainRemovedBody, DomainsBody, DomainsClearedBody } from '../../shared/api/domains.ts';
import { show, type CommandRun } from '../cli.ts';
import { renderChange, renderDomains } from './render.ts';

export const list: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call<DomainsBody>('GET', `/apps/${app}/domains`);
  await show(cli, flags, { body, render: (of) => renderDomains(app, of, cli.paint) });
};

export const add: CommandRun = async (cli, [hostname = ''], flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call<DomainAddedBody>('POST', `/apps/${app}/domains`, { hostname });
  const render = (of: DomainAddedBody): string =>
    renderChange(`Added ${of.hostname} to ${app}. Point its DNS at any node of the fleet.`, of, cli.paint);
  await show(cli, flags, { body, render });
};

export const remove: CommandRun = async (cli, [hostname = ''], flags) => {
  const app = await cli.app(flags);
  const path = `/apps/${app}/domains/${encodeURIComponent(hostname)}`;
  // A controller of an earlier version answers without a body.
  const body = await (await cli.api()).call<DomainRemovedBody | undefined>('DELETE', path);
  await cli.write(renderChange(`Removed ${hostname} from ${app}.`, body, cli.paint));
};

export const clear: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call<DomainsClearedBody>('DELETE', `/apps/${app}/domains`);
  const render = (of: DomainsClearedBody): string =>
    renderChange(`Removed ${of.removed === 1 ? '1 domain' : `${of.removed} domains`} from ${app}.`, of, cli.paint);
  await show(cli, flags, { body, render });
};
