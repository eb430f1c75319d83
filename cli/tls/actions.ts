import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { show, textFlag, type Cli, type CommandRun, type Flags } from '../cli.ts';
import { usageError } from '../usage-error.ts';
import { renderTls } from './render.ts';

const NAMED: Readonly<Record<string, string>> = {
  letsencrypt: 'https://acme-v02.api.letsencrypt.org/directory',
  'letsencrypt-staging': 'https://acme-staging-v02.api.letsencrypt.org/directory',
};

export const info: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call('readTls');
  await show(cli, flags, { body, render: renderTls });
};

export const set: CommandRun = async (cli, _args, flags) => {
  const change = await readChange(cli, flags);
  if (Object.values(change).every((value) => value === undefined)) {
    throw usageError('tls:set needs at least one setting.', 'slipway tls:set --agree-terms --contact you@example.com');
  }
  const body = await (await cli.api()).call('setTls', { body: change });
  await show(cli, flags, { body, render: renderTls });
  if (body.problem !== undefined) cli.setExitCode(1);
};

async function readChange(cli: Cli, flags: Flags) {
  const ca = textFlag(flags, 'ca');
  const file = textFlag(flags, 'caFile');
  const keyId = textFlag(flags, 'eabKeyId');
  const contacts = textFlag(flags, 'contact');
  return {
    directoryUrl: ca === undefined ? undefined : (NAMED[ca] ?? ca),
    caPem: file === undefined ? undefined : await readCa(cli, file),
    contacts: contacts?.split(',').flatMap((one) => (one.trim() === '' ? [] : [one.trim()])),
    agreeTerms: flags['agreeTerms'] === true ? true : undefined,
    externalAccount: keyId === undefined ? undefined : { keyId, hmacKey: await readHmacKey(cli, keyId) },
    profile: textFlag(flags, 'profile'),
  };
}

async function readHmacKey(cli: Cli, keyId: string): Promise<string> {
  if (keyId === '') return '';
  return (await cli.readSecret('HMAC key of the external account: ')).trim();
}

async function readCa(cli: Cli, file: string): Promise<string> {
  if (file === '') return '';
  const path = resolve(cli.cwd, file);
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new SlipwayError({
      code: 'SLIP_CLI_FILE',
      message: `The file ${path} cannot be read.`,
      hint: 'Name the file of the CA: slipway tls:set --ca URL --ca-file FILE',
      cause,
    });
  }
}
