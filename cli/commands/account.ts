import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { KeyBody, NewUserBody, UserBody } from '../../shared/api/identity.ts';
import { isErrno, SlipwayError } from '../../shared/kit/errors.ts';
import { show, textFlag, type Cli, type CommandRun } from '../cli.ts';
import { renderKeys, renderUsers } from '../render/apps.ts';

export const whoami: CommandRun = async (cli, _args, flags) => {
  const api = await cli.api();
  const body = await api.call<UserBody>('GET', '/whoami');
  await show(cli, flags, { body, render: (user) => `${user.name}${user.admin ? ' (admin)' : ''} at ${api.url}\n` });
};

export const keys: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call<KeyBody[]>('GET', '/keys');
  await show(cli, flags, { body, render: (rows) => renderKeys(rows, cli.paint) });
};

export const addKey: CommandRun = async (cli, [file], flags) => {
  const publicKey = await readPublicKey(cli, file);
  const body = await (await cli.api()).call<KeyBody>('POST', '/keys', { publicKey });
  await show(cli, flags, { body, render: (key) => `Added ${key.fingerprint} ${key.comment}\n` });
};

export const removeKey: CommandRun = async (cli, [wanted = '']) => {
  const api = await cli.api();
  const found = (await api.call<KeyBody[]>('GET', '/keys')).filter(
    (key) => key.fingerprint === wanted || key.comment === wanted,
  );
  const [key] = found;
  if (key === undefined || found.length > 1) throw ambiguousKey(wanted, found.length);
  await api.call('DELETE', `/keys/${encodeURIComponent(key.fingerprint)}`);
  await cli.write(`Removed ${key.fingerprint} ${key.comment}\n`);
};

export const users: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call<UserBody[]>('GET', '/users');
  await show(cli, flags, { body, render: (rows) => renderUsers(rows, cli.paint) });
};

export const addUser: CommandRun = async (cli, [name], flags) => {
  const file = textFlag(flags, 'key');
  const publicKey = file === undefined ? undefined : await readPublicKey(cli, file);
  const api = await cli.api();
  const body = await api.call<NewUserBody>('POST', '/users', { name, admin: flags['admin'] === true, publicKey });
  await show(cli, flags, {
    body,
    render: (user) =>
      `Added ${user.name}. Their token, not shown again:\n${user.token}\nThey sign in with: slipway login ${api.url} --pin PIN\n`,
  });
};

async function readPublicKey(cli: Cli, file: string | undefined): Promise<string> {
  const path = resolve(cli.cwd, file ?? join(cli.env['HOME'] ?? '.', '.ssh', 'id_ed25519.pub'));
  try {
    const text = await readFile(path, 'utf8');
    if (/PRIVATE KEY|PuTTY-User-Key-File/i.test(text)) throw privateKey(path);
    return text;
  } catch (error) {
    if (!isErrno(error, 'ENOENT') && !isErrno(error, 'EISDIR') && !isErrno(error, 'EACCES')) throw error;
    throw new SlipwayError({
      code: 'SLIP_CLI_FILE',
      message: `The file ${path} cannot be read.`,
      hint: 'Make a key with: ssh-keygen -t ed25519 — or name its file: slipway keys:add FILE',
      cause: error,
    });
  }
}

function ambiguousKey(wanted: string, count: number): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CLI_KEY',
    message:
      count === 0
        ? `You have no SSH key ${JSON.stringify(wanted)}.`
        : `${count} of your SSH keys have the comment ${JSON.stringify(wanted)}.`,
    hint: 'Name it by the fingerprint shown by: slipway keys',
  });
}

/** Found here, so that it never goes over the network. */
function privateKey(path: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_KEY_PRIVATE',
    message: `The file ${path} holds a private key. It was not sent.`,
    hint: 'Give the public half, the file that ends in .pub.',
  });
}
