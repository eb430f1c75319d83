import type { Slug } from '../../shared/domain/slug.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { ConfigVars } from '../../shared/kit/sensitive.ts';
import { RELEASE_BYTES_MAX, releaseBytes } from '../dispatch/withhold.ts';

/** The command is one argument of `bash -c`, and Linux allows 128 KiB for one argument. */
export const COMMAND_BYTES_MAX = 64 * 1024;

/** Refuses a release that is too large for the message to a node. @throws SLIP_RELEASE_SIZE */
export function checkReleaseSize(
  app: string,
  slug: Pick<Slug, 'processTypes' | 'layers' | 'checks'>,
  config: ConfigVars,
): void {
  for (const [type, command] of Object.entries(slug.processTypes)) {
    const bytes = Buffer.byteLength(command);
    if (bytes > COMMAND_BYTES_MAX)
      throw tooLarge(`The command of ${type} has ${String(bytes)} bytes; the limit is ${String(COMMAND_BYTES_MAX)}.`);
  }
  const bytes = releaseBytes({
    config,
    layers: slug.layers,
    commands: Object.values(slug.processTypes),
    checks: slug.checks ?? {},
  });
  if (bytes > RELEASE_BYTES_MAX)
    throw tooLarge(
      `The config, commands and layers of ${app} have ${String(bytes)} bytes in all; the limit is ${String(RELEASE_BYTES_MAX)}.`,
    );
}

function tooLarge(message: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_RELEASE_SIZE',
    message,
    hint: 'Shorten the commands of the Procfile, or put them into scripts of the app, commit and push again.',
  });
}
