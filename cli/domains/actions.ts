import type { DomainAddedBody, DomainsClearedBody } from '../../shared/api/domains.ts';
import { show, type CommandRun } from '../cli.ts';
import { renderChange, renderDomains } from './render.ts';

export const list: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('listDomains', { params: { app } });
  await show(cli, flags, { body, render: (answer) => renderDomains(app, answer, cli.paint) });
};

export const add: CommandRun = async (cli, [hostname = ''], flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('addDomain', { params: { app }, body: { hostname } });
  const render = (answer: DomainAddedBody): string =>
    renderChange(
      `Added ${answer.hostname} to ${app}. Point its DNS record at any node of the fleet.`,
      answer,
      cli.paint,
    );
  await show(cli, flags, { body, render });
};

export const remove: CommandRun = async (cli, [hostname = ''], flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('removeDomain', { params: { app, hostname } });
  await cli.write(renderChange(`Removed ${hostname} from ${app}.`, body, cli.paint));
};

export const clear: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('clearDomains', { params: { app } });
  const render = (answer: DomainsClearedBody): string =>
    renderChange(
      `Removed ${answer.removed === 1 ? '1 domain' : `${answer.removed} domains`} from ${app}.`,
      answer,
      cli.paint,
    );
  await show(cli, flags, { body, render });
};
