import type { AppHttpsBody } from '../../shared/api/https.ts';
import { formatDuration } from '../../shared/kit/duration.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { show, textFlag, type Cli, type CommandRun, type Flags } from '../cli.ts';
import { parseDurationMs } from '../parse-flags.ts';
import { usageError } from '../usage-error.ts';
import { renderHsts } from './render.ts';

type Hsts = NonNullable<AppHttpsBody['hsts']>;

/** Nobody can take the header back in this time, so a longer one needs a confirmation. */
const LONG_S = 60 * 86_400;
const EXAMPLE = 'slipway https:hsts --max-age 60d';

export const hsts: CommandRun = async (cli, [state], flags) => {
  const wanted = wantedOf(state, flags);
  const app = await cli.app(flags);
  const api = await cli.api();
  const params = { app };
  const before = await api.call('readHttps', { params });
  if (wanted === undefined) {
    await show(cli, flags, { body: before, render: (answer) => renderHsts(app, answer, { paint: cli.paint }) });
    return;
  }
  if (wanted !== null) await confirm(cli, app, { wanted, typed: textFlag(flags, 'confirm') });
  const body = await api.call('setHttps', { params, body: { hsts: wanted } });
  const context = { former: before.hsts, paint: cli.paint };
  await show(cli, flags, { body, render: (answer) => renderHsts(app, answer, context) });
};

/** Undefined: show it. Null: switch it off. @throws SLIP_CLI_USAGE */
function wantedOf(state: string | undefined, flags: Flags): Hsts | null | undefined {
  const maxAge = textFlag(flags, 'maxAge');
  const [includeSubdomains, preload] = [flags['includeSubdomains'] === true, flags['preload'] === true];
  if (state !== undefined && state !== 'off') throw usageError(`https:hsts takes off, not ${state}.`, EXAMPLE);
  const hasFlags = maxAge !== undefined || includeSubdomains || preload;
  if (state === 'off') {
    if (hasFlags) throw usageError('https:hsts off takes no other option.', 'slipway https:hsts off');
    return null;
  }
  if (!hasFlags) return undefined;
  if (maxAge === undefined) throw usageError('https:hsts needs --max-age.', EXAMPLE);
  const maxAgeMs = maxAge === '0' ? 0 : parseDurationMs(maxAge, '--max-age', EXAMPLE);
  return { maxAgeS: maxAgeMs / 1000, includeSubdomains, preload };
}

/** What a user should know before browsers get this header. */
export function hstsWarnings(app: string, { maxAgeS, includeSubdomains, preload }: Hsts): readonly string[] {
  if (maxAgeS === 0 || (maxAgeS <= LONG_S && !includeSubdomains && !preload)) return [];
  return [
    `Browsers that visit ${app} will use only HTTPS for the next ${formatDuration(maxAgeS * 1000)}. If a certificate is missing in this time, they show no page, and you cannot take it back.`,
    ...(includeSubdomains
      ? [`This is also true for all names below the domains of ${app}, on this fleet or not.`]
      : []),
    ...(preload
      ? [
          'With preload, anybody may add the domain to the lists that browsers are shipped with. It takes months to leave them.',
        ]
      : []),
  ];
}

async function confirm(
  cli: Cli,
  app: string,
  { wanted, typed }: { readonly wanted: Hsts; readonly typed: string | undefined },
): Promise<void> {
  const warnings = hstsWarnings(app, wanted);
  if (warnings.length === 0) return;
  for (const warning of warnings) cli.note(` !    ${warning}\n`);
  const answer = typed ?? (await cli.readLine(`Type ${app} to confirm: `));
  if (answer?.trim() === app) return;
  throw new SlipwayError({
    code: 'SLIP_CLI_CONFIRM',
    message: `Nothing was changed: HSTS of ${app} for such a time or for such names needs the name of the app as a confirmation.`,
    hint: `Begin with a short time: ${EXAMPLE} -a ${app}. Or confirm with: --confirm ${app}`,
  });
}
