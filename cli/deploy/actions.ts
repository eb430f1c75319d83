import type { Readable } from 'node:stream';
import type { DeployLine } from '../../shared/api/archives.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { controlsShown, textFlag, type Cli, type CommandRun, type Flags } from '../cli.ts';
import { escapeUntrusted } from '../terminal/escape.ts';
import { usageError } from '../usage-error.ts';
import { openArchive } from './open-archive.ts';
import { packFolder } from './pack-folder.ts';

export const deploy: CommandRun = async (cli, [folder], flags) => {
  const archive = textFlag(flags, 'archive');
  if (archive !== undefined && folder !== undefined)
    throw usageError('Deploy a folder or an archive, not both.', 'For example: slipway deploy --archive app.tgz');
  const app = await cli.app(flags);
  const api = await cli.api();
  const body = archive === undefined ? await packed(cli, folder) : await openArchive(cli, archive);
  const stripTop = archive !== undefined && flags['strip'] !== false;
  const lines = api.upload('deployArchive', { params: { app }, query: { stripTop } }, { body, signal: cli.signal });
  try {
    await follow(cli, flags, { app, lines });
  } finally {
    body.destroy();
  }
};

async function packed(cli: Cli, folder: string | undefined): Promise<Readable> {
  const { body, files, skipped } = await packFolder(cli, folder ?? '.');
  cli.note(`Sending ${String(files)} ${files === 1 ? 'file' : 'files'}\n`);
  for (const { path, why } of skipped.slice(0, 10)) cli.note(`Left out ${path}: ${why}\n`);
  if (skipped.length > 10) cli.note(`Left out ${String(skipped.length - 10)} more\n`);
  return body;
}

/** Prints the lines. @throws SLIP_DEPLOY_FAILED, SLIP_DEPLOY_CUT_OFF */
async function follow(
  cli: Cli,
  flags: Flags,
  { app, lines }: { readonly app: string; readonly lines: AsyncIterable<DeployLine> },
): Promise<void> {
  for await (const line of lines) {
    if (flags['json'] === true) await cli.write(`${JSON.stringify(line)}\n`);
    else if ('output' in line) await cli.write(escapeUntrusted(line.output, controlsShown(cli, flags)));
    if ('output' in line) continue;
    if (line.ok) return;
    throw deployFailed(app, line.reason);
  }
  throw cutOff(app);
}

function deployFailed(app: string, reason = 'the reason is unknown'): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DEPLOY_FAILED',
    message: `The deploy of ${app} failed: ${reason}`,
    hint: `See its builds and releases with: slipway builds -a ${app}, slipway releases -a ${app}`,
  });
}

/** For example because the controller stopped. */
function cutOff(app: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DEPLOY_CUT_OFF',
    kind: 'transient',
    message: `The connection ended before the deploy of ${app} did.`,
    hint: `See whether it made a release with: slipway releases -a ${app}`,
  });
}
