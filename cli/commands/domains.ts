import type { DomainBody, DomainsBody, DomainsClearedBody } from '../../shared/domain/api-domains.ts';
import { show, type CommandRun } from '../cli.ts';
import { renderDomains } from '../render/domains.ts';

export const list: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call<DomainsBody>('GET', `/apps/${app}/domains`);
  await show(cli, flags, { body, render: (of) => renderDomains(app, of, cli.paint) });
};

export const add: CommandRun = async (cli, [hostname = ''], flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call<DomainBody>('POST', `/apps/${app}/domains`, { hostname });
  await show(cli, flags, { body, render: (domain) => `Added ${domain.hostname} to ${app}. Point its DNS at any node of the fleet.\n` });
};

export const remove: CommandRun = async (cli, [hostname = ''], flags) => {
  const app = await cli.app(flags);
  await (await cli.api()).call('DELETE', `/apps/${app}/domains/${encodeURIComponent(hostname)}`);
  await cli.write(`Removed ${hostname} from ${app}.\n`);
};

export const clear: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call<DomainsClearedBody>('DELETE', `/apps/${app}/domains`);
  await show(cli, flags, { body, render: ({ removed }) => `Removed ${removed === 1 ? '1 domain' : `${removed} domains`} from ${app}.\n` });
};
