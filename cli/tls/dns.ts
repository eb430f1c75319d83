import { DNS_PROVIDER_KINDS, type DnsProviderKind } from '../../shared/domain/dns-provider.ts';
import { show, textFlag, type Cli, type CommandRun, type Flags } from '../cli.ts';
import { usageError } from '../usage-error.ts';
import { renderAdded, renderProviders, renderRemoved } from './render-dns.ts';

const EXAMPLE = 'slipway tls:dns:add NAME --provider acme-dns --zone example.com';

export const list: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call('listDnsProviders');
  await show(cli, flags, { body, render: (answer) => renderProviders(answer.providers, cli.paint) });
};

export const add: CommandRun = async (cli, [name = ''], flags) => {
  const kind = readKind(flags);
  const zone = textFlag(flags, 'zone');
  if (zone === undefined) throw usageError('tls:dns:add needs --zone.', EXAMPLE);
  const body = await (
    await cli.api()
  ).call('addDnsProvider', {
    body: {
      ...{ name, kind, zone, recordZone: textFlag(flags, 'recordZone'), server: textFlag(flags, 'server') },
      ...{ keyName: textFlag(flags, 'keyName'), algorithm: textFlag(flags, 'algorithm') },
      program: textFlag(flags, 'program'),
      secret: await readCredential(cli, kind, flags),
    },
  });
  await show(cli, flags, { body, render: renderAdded });
};

export const remove: CommandRun = async (cli, [provider = ''], flags) => {
  const body = await (await cli.api()).call('removeDnsProvider', { params: { provider } });
  await show(cli, flags, { body, render: renderRemoved });
};

function readKind(flags: Flags): DnsProviderKind {
  const text = textFlag(flags, 'provider');
  const kind = DNS_PROVIDER_KINDS.find((one) => one === text);
  if (kind !== undefined) return kind;
  throw usageError(`--provider is one of ${DNS_PROVIDER_KINDS.join(', ')}.`, EXAMPLE);
}

const PROMPTS: Readonly<Partial<Record<DnsProviderKind, string>>> = {
  'acme-dns': 'Account of acme-dns (JSON): ',
  nsupdate: 'Secret of the TSIG key (base64): ',
};

/** A credential is never an argument, because other users of the machine see arguments. */
async function readCredential(cli: Cli, kind: DnsProviderKind, flags: Flags): Promise<string | undefined> {
  if (kind === 'exec' || (kind === 'acme-dns' && flags['account'] !== true)) return undefined;
  return (await cli.readSecret(PROMPTS[kind] ?? 'API token: ')).trim();
}
