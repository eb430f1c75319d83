import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { Agent, interceptors, request } from 'undici';
import { withoutCredentials } from '../../shared/domain/build-settings.ts';
import { isErrno, SlipwayError } from '../../shared/kit/errors.ts';
import type { Cli } from '../cli.ts';
import { usageError } from '../usage-error.ts';

const REDIRECTS_MAX = 5;
const HEADERS_TIMEOUT_MS = 60_000;
const SILENCE_MS = 60_000;

/** The bytes of an archive. This machine fetches a URL, so the controller opens no address that a user chose. */
export async function openArchive(cli: Pick<Cli, 'cwd' | 'signal'>, archive: string): Promise<Readable> {
  if (/^https?:\/\//i.test(archive)) return await fetchArchive(archive, cli.signal);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(archive))
    throw usageError(`${archive} is not an http or https URL.`, 'Fetch it yourself, and name the file.');
  return await openFile(resolve(cli.cwd, archive));
}

async function openFile(path: string): Promise<Readable> {
  const facts = await stat(path).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) throw usageError(`There is no file ${path}.`, 'Check the path of the archive.');
    throw error;
  });
  if (facts.isDirectory()) throw usageError(`${path} is a folder.`, `Deploy a folder with: slipway deploy ${path}`);
  return createReadStream(path);
}

/** @throws SLIP_DEPLOY_FETCH */
async function fetchArchive(url: string, signal: AbortSignal): Promise<Readable> {
  const dispatcher = new Agent().compose(interceptors.redirect({ maxRedirections: REDIRECTS_MAX }));
  try {
    const { statusCode, body } = await request(url, {
      ...{ dispatcher, signal, headersTimeout: HEADERS_TIMEOUT_MS, bodyTimeout: SILENCE_MS },
    });
    if (statusCode === 200) return body;
    await body.dump();
    throw notFetched(url, `its server answered with status ${String(statusCode)}`);
  } catch (error) {
    if (signal.aborted || error instanceof SlipwayError) throw error;
    throw notFetched(url, error instanceof Error && error.message !== '' ? error.message : 'no connection', error);
  }
}

function notFetched(url: string, why: string, cause?: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DEPLOY_FETCH',
    message: `${withoutCredentials(url)} could not be fetched: ${why}.`,
    hint: 'Check the address. This machine fetches it, not the controller.',
    cause,
  });
}
