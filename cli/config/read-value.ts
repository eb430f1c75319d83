import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { CONFIG_BYTES_MAX } from '../../shared/domain/config-size.ts';
import { readAll } from '../terminal/read-all.ts';
import { usageError } from '../usage-error.ts';

const EXAMPLE = 'For example: slipway config:set TLS_KEY --file key.pem';

/** Reads a file, or standard input for `-`, and removes the last newline. @throws SLIP_CLI_USAGE */
export async function readValue(
  file: string,
  from: { readonly cwd: string; readonly stdin: () => AsyncIterable<unknown> },
): Promise<string> {
  const name = file === '-' ? 'Standard input' : file;
  const bytes = await readBytes(file === '-' ? from.stdin() : createReadStream(resolve(from.cwd, file)), name);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r?\n$/, '');
  } catch {
    throw usageError(
      `${name} is not UTF-8 text.`,
      'A config var holds text. Encode binary data first, for example with base64.',
    );
  }
}

/** @throws SLIP_CLI_USAGE if the source cannot be read or is too large */
async function readBytes(source: AsyncIterable<unknown>, name: string): Promise<Buffer> {
  // Two more bytes, because the last newline does not count.
  const bytes = await readAll(source, CONFIG_BYTES_MAX + 2).catch((error: unknown) => {
    throw usageError(`${name} cannot be read: ${error instanceof Error ? error.message : 'unknown error'}.`, EXAMPLE);
  });
  if (bytes !== undefined) return bytes;
  throw usageError(
    `${name} has more than ${String(CONFIG_BYTES_MAX)} bytes, the limit for all config vars of an app.`,
    'Put large data into a file of the app or into a store, and set the variable to its address.',
  );
}
