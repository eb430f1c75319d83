import { textFlag, type CommandRun } from '../cli.ts';
import { createClient } from '../client.ts';
import { writeSettings } from '../settings.ts';
import { usageError } from '../usage-error.ts';
import { fetchCaByPin } from './fetch-ca.ts';

const PIN = /^sha256:[0-9a-f]{64}$/;

/** Sends nothing before the pin matches, and stores nothing before the token works. */
export const login: CommandRun = async (cli, [given = ''], flags) => {
  const url = parseUrl(given);
  const pin = textFlag(flags, 'pin') ?? '';
  if (!PIN.test(pin)) {
    throw usageError(
      '--pin is missing or wrong: it is sha256: and 64 hex digits.',
      'Ask the person who gave you the token. An administrator sees the pin with: slipway nodes:token',
    );
  }
  const caPem = await fetchCaByPin(url, pin);
  const token = await cli.readSecret('Token: ');
  const client = createClient({ url, token, caPem });
  try {
    const user = await client.call('whoAmI');
    await writeSettings(cli.configPath, { url, token, caPem });
    await cli.write(`Signed in as ${user.name}; settings are in ${cli.configPath}\n`);
  } finally {
    await client.close();
  }
};

function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:') return url.origin;
  throw usageError(
    'The address of a controller must start with https://.',
    'For example: slipway login https://fleet.example.com:7400 --pin sha256:…',
  );
}
