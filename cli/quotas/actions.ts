import type { QuotaChanges } from '../../shared/api/quotas.ts';
import { isQuotaName, QUOTA_NAMES, type QuotaName } from '../../shared/domain/quota.ts';
import { nearest } from '../../shared/kit/nearest.ts';
import { show, type CommandRun } from '../cli.ts';
import { usageError } from '../usage-error.ts';
import { renderQuotas } from './render.ts';

export const quotas: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call('showQuotas');
  await show(cli, flags, { body, render: (answer) => renderQuotas(answer, cli.paint) });
};

export const userQuotas: CommandRun = async (cli, [name = '', ...assignments], flags) => {
  const changes: QuotaChanges = Object.fromEntries(assignments.map(parseAssignment));
  const api = await cli.api();
  const body =
    assignments.length === 0
      ? await api.call('showUserQuotas', { params: { name } })
      : await api.call('changeUserQuotas', { params: { name }, body: changes });
  await show(cli, flags, { body, render: (answer) => renderQuotas(answer, cli.paint) });
};

/** `apps=200` or `apps=default`. */
function parseAssignment(text: string): readonly [QuotaName, number | null] {
  const [, name = '', value = ''] = /^([^=]*)=(\d{1,9}|default)$/.exec(text) ?? [];
  if (name === '')
    throw usageError(`${JSON.stringify(text)} is not NAME=NUMBER.`, 'For example: apps=200, or apps=default');
  if (!isQuotaName(name)) {
    const near = nearest(name, QUOTA_NAMES);
    const hint = near === undefined ? `Quotas are: ${QUOTA_NAMES.join(', ')}` : `Did you mean ${near}?`;
    throw usageError(`There is no quota ${JSON.stringify(name)}.`, hint);
  }
  return [name, value === 'default' ? null : Number(value)];
}
