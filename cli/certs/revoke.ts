import { SlipwayError } from '../../shared/kit/errors.ts';
import { show, textFlag, type Cli, type CommandRun } from '../cli.ts';
import { usageError } from '../usage-error.ts';
import { sayRevocation } from './render.ts';

/** As certbot spells them. */
const REASONS = {
  unspecified: 'unspecified',
  keycompromise: 'keyCompromise',
  superseded: 'superseded',
  cessationofoperation: 'cessationOfOperation',
} as const;

export const revoke: CommandRun = async (cli, [certificate = ''], flags) => {
  const reason = parseReason(textFlag(flags, 'reason') ?? 'superseded');
  const now = flags['now'] === true;
  const app = await cli.app(flags);
  await confirm(cli, { app, certificate, now, typed: textFlag(flags, 'confirm') });
  const body = await (
    await cli.api()
  ).call('revokeCertificate', { params: { app, certificate }, body: { reason, now } });
  const render = ({ names, revocation }: typeof body): string => {
    const [name = ''] = names;
    const step = revocation === undefined ? 'it has a successor.' : sayRevocation(revocation);
    return `${name}: ${step}\nSee how far it is with: slipway why ${name}\n`;
  };
  await show(cli, flags, { body, render });
};

function parseReason(text: string): (typeof REASONS)[keyof typeof REASONS] {
  const word = text.toLowerCase();
  const found = Object.entries(REASONS).find(([name]) => name === word)?.[1];
  if (found !== undefined) return found;
  throw usageError(
    `${text} is no reason for a revocation. The reasons are ${Object.keys(REASONS).join(', ')}.`,
    'slipway certs:revoke www.example.com --reason keycompromise',
  );
}

async function confirm(
  cli: Cli,
  {
    app,
    certificate,
    now,
    typed,
  }: {
    readonly app: string;
    readonly certificate: string;
    readonly now: boolean;
    readonly typed: string | undefined;
  },
): Promise<void> {
  const effect = now
    ? 'at once. Browsers may refuse the name until its successor is served'
    : 'when a successor with a new key is served';
  const question = `This revokes the certificate ${certificate} of ${app} ${effect}. Type ${app} to confirm: `;
  const answer = typed ?? (await cli.readLine(question));
  if (answer?.trim() === app) return;
  throw new SlipwayError({
    code: 'SLIP_CLI_CONFIRM',
    message: `Nothing was revoked: to revoke a certificate of ${app}, confirm with its name.`,
    hint: `slipway certs:revoke ${certificate} -a ${app} --confirm ${app}${now ? ' --now' : ''}`,
  });
}
