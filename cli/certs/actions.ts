import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isErrno, SlipwayError } from '../../shared/kit/errors.ts';
import { show, textFlag, type Cli, type CommandRun, type Flags } from '../cli.ts';
import type { RenderContext } from '../terminal/render-context.ts';
import { renderNames } from '../name-https.ts';
import { usageError } from '../usage-error.ts';
import { renderAdded, renderCertificate, renderCertificates } from './render.ts';

/** The controller takes no larger file. Checked here, so that a wrong file is not sent. */
const FILE_BYTES_MAX = 64 * 1024;

export const list: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('listCertificates', { params: { app } });
  const render = ({ certificates, names = [] }: typeof body): string =>
    renderCertificates(app, certificates, contextOf(cli)) + renderNames(names, contextOf(cli));
  await show(cli, flags, { body, render });
};

export const add: CommandRun = async (cli, args, flags) => {
  const [certificate, key] = await readFiles(cli, args, flags);
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('addCertificate', { params: { app }, body: { certificate, key } });
  await show(cli, flags, { body, render: (answer) => renderAdded(app, answer) });
};

export const info: CommandRun = async (cli, [certificate = ''], flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('readCertificateInfo', { params: { app, certificate } });
  await show(cli, flags, { body, render: (answer) => renderCertificate(app, answer, contextOf(cli)) });
};

export const remove: CommandRun = async (cli, [certificate = ''], flags) => {
  const app = await cli.app(flags);
  await confirm(cli, { app, certificate, typed: textFlag(flags, 'confirm') });
  const body = await (await cli.api()).call('removeCertificate', { params: { app, certificate } });
  const render = ({ names }: { readonly names: readonly string[] }): string =>
    `Removed the certificate of ${app} for ${names.join(', ')}.\n`;
  await show(cli, flags, { body, render });
};

function contextOf({ paint, nowMs }: Cli): RenderContext {
  return { paint, nowMs: nowMs() };
}

/** Heroku's spelling is `certs:add CRT KEY`; the flags have the names of other tools. */
async function readFiles(cli: Cli, args: readonly string[], flags: Flags): Promise<readonly [string, string]> {
  const named = [textFlag(flags, 'cert'), textFlag(flags, 'key')];
  const [certificate, key] = [named[0] ?? args[0], named[1] ?? args[named[0] === undefined ? 1 : 0]];
  if (certificate === undefined || key === undefined)
    throw usageError('certs:add needs the file of a certificate and the file of its key.', 'slipway certs:add CRT KEY');
  return [await readBase64(cli, certificate), await readBase64(cli, key)];
}

async function readBase64(cli: Cli, file: string): Promise<string> {
  const path = resolve(cli.cwd, file);
  try {
    const { size } = await stat(path);
    if (size > FILE_BYTES_MAX) throw tooLarge(path, size);
    return (await readFile(path)).toString('base64');
  } catch (error) {
    if (!isErrno(error, 'ENOENT') && !isErrno(error, 'EISDIR') && !isErrno(error, 'EACCES')) throw error;
    throw new SlipwayError({
      code: 'SLIP_CLI_FILE',
      message: `The file ${path} cannot be read.`,
      hint: 'Name the files of the certificate and of its key: slipway certs:add CRT KEY',
      cause: error,
    });
  }
}

async function confirm(
  cli: Cli,
  {
    app,
    certificate,
    typed,
  }: { readonly app: string; readonly certificate: string; readonly typed?: string | undefined },
): Promise<void> {
  const answer =
    typed ?? (await cli.readLine(`This removes the certificate ${certificate} from ${app}. Type ${app} to confirm: `));
  if (answer?.trim() === app) return;
  throw new SlipwayError({
    code: 'SLIP_CLI_CONFIRM',
    message: `Nothing was removed: removing a certificate of ${app} needs the name of the app as a confirmation.`,
    hint: `slipway certs:remove ${certificate} -a ${app} --confirm ${app}`,
  });
}

function tooLarge(path: string, bytes: number): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CERT_SIZE',
    message: `The file ${path} has ${String(bytes)} bytes. A certificate with its chain, and a key, have at most ${String(FILE_BYTES_MAX)} bytes.`,
    hint: 'Check that you named the right file.',
  });
}
