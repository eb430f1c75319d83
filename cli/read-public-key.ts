import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isErrno, SlipwayError } from '../shared/kit/errors.ts';
import type { Cli } from './cli.ts';

export async function readPublicKey(cli: Cli, file: string | undefined): Promise<string> {
  const path = resolve(cli.cwd, file ?? join(cli.env['HOME'] ?? '.', '.ssh', 'id_ed25519.pub'));
  try {
    const text = await readFile(path, 'utf8');
    if (/PRIVATE KEY|PuTTY-User-Key-File/i.test(text)) throw privateKeyGiven(path);
    return text;
  } catch (error) {
    if (!isErrno(error, 'ENOENT') && !isErrno(error, 'EISDIR') && !isErrno(error, 'EACCES')) throw error;
    throw new SlipwayError({
      code: 'SLIP_CLI_FILE',
      message: `The file ${path} cannot be read.`,
      hint: 'Create a key with: ssh-keygen -t ed25519. Or name the file of a key: slipway keys:add FILE',
      cause: error,
    });
  }
}

/** Checked on this machine, so that a private key never leaves it. */
function privateKeyGiven(path: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_KEY_PRIVATE',
    message: `The file ${path} holds a private key. It was not sent.`,
    hint: 'Give the file of the public key, which ends in .pub.',
  });
}
