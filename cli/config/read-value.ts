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
  const source = file === '-' ? from.stdin() : createReadStream(resolve(from.cwd, file));
  // Two more bytes, because the last newline does not count.
  const text = await readText(source, { name, maxBytes: CONFIG_BYTES_MAX + 2, example: EXAMPLE });
  return text.replace(/\r?\n$/, '');
}

interface Limits {
  /** The name of the source, for the errors. */
  readonly name: string;
  readonly maxBytes: number;
  /** The hint when the source cannot be read. */
  readonly example: string;
}

/** @throws SLIP_CLI_USAGE if the source cannot be read, is too large or is no text */
export async function readText(source: AsyncIterable<unknown>, limits: Limits): Promise<string> {
  const bytes = await readBytes(source, limits);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw usageError(
      `${limits.name} is not UTF-8 text.`,
      'A config var holds text. Encode binary data first, for example with base64.',
    );
  }
}

async function readBytes(source: AsyncIterable<unknown>, { name, maxBytes, example }: Limits): Promise<Buffer> {
  const bytes = await readAll(source, maxBytes).catch((error: unknown) => {
    throw usageError(`${name} cannot be read: ${error instanceof Error ? error.message : 'unknown error'}.`, example);
  });
  if (bytes !== undefined) return bytes;
  throw usageError(
    `${name} is too large. All config vars of an app have at most ${String(CONFIG_BYTES_MAX)} bytes.`,
    'Put large data into a file of the app or into a store, and set the variable to its address.',
  );
}
