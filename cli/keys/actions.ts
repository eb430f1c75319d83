import { SlipwayError } from '../../shared/kit/errors.ts';
import { show, type CommandRun } from '../cli.ts';
import { readPublicKey } from '../read-public-key.ts';
import { renderKeys } from './render.ts';

export const keys: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call('listKeys');
  await show(cli, flags, { body, render: (rows) => renderKeys(rows, cli.paint) });
};

export const addKey: CommandRun = async (cli, [file], flags) => {
  const publicKey = await readPublicKey(cli, file);
  const body = await (await cli.api()).call('addKey', { body: { publicKey } });
  await show(cli, flags, { body, render: (key) => `Added ${key.fingerprint} ${key.comment}\n` });
};

export const removeKey: CommandRun = async (cli, [wanted = '']) => {
  const api = await cli.api();
  const found = (await api.call('listKeys')).filter((key) => key.fingerprint === wanted || key.comment === wanted);
  const [key] = found;
  if (key === undefined || found.length > 1) throw ambiguousKey(wanted, found.length);
  await api.call('removeKey', { params: { fingerprint: key.fingerprint } });
  await cli.write(`Removed ${key.fingerprint} ${key.comment}\n`);
};

function ambiguousKey(wanted: string, count: number): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CLI_KEY',
    message:
      count === 0
        ? `You have no SSH key ${JSON.stringify(wanted)}.`
        : `${count} of your SSH keys have the comment ${JSON.stringify(wanted)}.`,
    hint: 'Give the fingerprint that this command shows: slipway keys',
  });
}
