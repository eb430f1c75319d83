import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { extract, pack, type Pack } from 'tar-stream';
import { SlipwayError, describeCauses } from '../../../shared/kit/errors.ts';
import { DEFAULT_ENV, start } from '../../../shared/kit/exec.ts';
import { squashTarArgv, type SquashOptions } from './mksquashfs-argv.ts';
import { padImage } from './pad-image.ts';
import { layerEntry } from './slug-entry.ts';

/** A slug in the format of Heroku: one .tgz with everything below `./app/`. `layerDirs`: mounted layers, bottom first. */
export function exportSlug(layerDirs: readonly string[]): NodeJS.ReadableStream {
  const tar = pack();
  const gzip = createGzip({ level: 6 });
  void writeFolder(tar, layerDirs, './app')
    .then(() => tar.finalize())
    .catch((error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))));
  pipeline(tar, gzip).catch((error: unknown) => gzip.destroy(error instanceof Error ? error : undefined));
  return gzip;
}

/** If several layers have the same path, the topmost entry counts. Folders are merged, as overlayfs does. */
async function writeFolder(tar: Pack, dirs: readonly string[], name: string): Promise<void> {
  const top = await lstat(dirs.at(-1) ?? '.');
  await writeEntry(tar, { name: `${name}/`, type: 'directory', mode: top.mode & 0o7777, mtime: top.mtime });
  const children = new Map<string, string[]>();
  for (const dir of dirs) {
    for (const entry of await readdir(dir, { withFileTypes: true })) {
      const below = entry.isDirectory() ? (children.get(entry.name) ?? []) : [];
      children.set(entry.name, [...below, join(dir, entry.name)]);
    }
  }
  for (const [child, paths] of [...children].sort(([a], [b]) => (a < b ? -1 : 1)))
    await writeNode(tar, paths, `${name}/${child}`);
}

async function writeNode(tar: Pack, paths: readonly string[], name: string): Promise<void> {
  const path = paths.at(-1) ?? '';
  const facts = await lstat(path);
  const common = { name, mode: facts.mode & 0o7777, mtime: facts.mtime };
  if (facts.isDirectory()) await writeFolder(tar, paths, name);
  else if (facts.isSymbolicLink())
    await writeEntry(tar, { ...common, type: 'symlink', linkname: await readlink(path) });
  else if (facts.isFile()) await pipeline(createReadStream(path), tar.entry({ ...common, size: facts.size }));
  // Skip sockets and pipes, because their process has ended.
}

async function writeEntry(tar: Pack, header: Parameters<Pack['entry']>[0]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    tar.entry(header, (error?: Error | null) => (error instanceof Error ? reject(error) : resolve()));
  });
}

export interface ImportRequest extends SquashOptions {
  /** Limit of uncompressed bytes. */
  readonly unpackedLimitBytes: number;
  /** Limit of the finished image. */
  readonly imageLimitBytes: number;
  readonly signal: AbortSignal;
}

/**
 * Converts a Heroku slug (.tgz or .tar) to the image of one layer at `output`. Nothing is unpacked on this machine: each entry is checked and
 * passed to mksquashfs. @throws SLIP_SLUG_TAR, SLIP_SLUG_TOO_LARGE
 */
export async function importSlug(archive: NodeJS.ReadableStream, request: ImportRequest): Promise<void> {
  const args = [`--fsize=${request.imageLimitBytes}`, '--', 'mksquashfs', ...squashTarArgv(request)];
  const child = start({ file: 'prlimit', args, env: { ...DEFAULT_ENV, LC_ALL: 'C' }, signal: request.signal }, [
    'pipe',
    'ignore',
    'pipe',
  ]);
  const { stdin, stderr } = child;
  if (stdin === null || stderr === null) throw new TypeError('pipes were asked for');
  const said = collectEnd(stderr);
  const ended = once(child, 'close');
  const outcome = await Promise.allSettled([feed(archive, stdin, request), ended]);
  request.signal.throwIfAborted();
  throwUnless(outcome, said(), request);
  await padImage(request.output);
}

async function feed(
  archive: NodeJS.ReadableStream,
  sink: NodeJS.WritableStream,
  request: ImportRequest,
): Promise<void> {
  const entries = extract();
  const tar = pack();
  const intake = pipeline(Readable.from(inflated(archive)), limited(request.unpackedLimitBytes), entries, {
    signal: request.signal,
  });
  const output = pipeline(tar, sink);
  const passOn = async (): Promise<void> => {
    for await (const entry of entries) {
      const header = layerEntry(entry.header);
      if (header === undefined) entry.resume();
      else if (header.type === 'file') await pipeline(entry, tar.entry(header));
      else {
        entry.resume();
        await writeEntry(tar, header);
      }
    }
    tar.finalize();
  };
  try {
    await Promise.all([intake, passOn(), output]);
  } catch (error) {
    entries.destroy();
    tar.destroy();
    await Promise.allSettled([intake, output]);
    throw error;
  }
}

/** gzip is recognized by its first two bytes. */
async function* inflated(archive: NodeJS.ReadableStream): AsyncGenerator<Buffer> {
  const source = new PassThrough();
  const copied = pipeline(archive, source);
  copied.catch(() => undefined); // the stream reports the error
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  const first = await chunks.next();
  if (first.done === true) return;
  const rest = Readable.from(
    (async function* () {
      yield first.value;
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
    })(),
  );
  const gzipped = first.value.length > 1 && first.value.readUInt16BE(0) === 0x1f8b;
  if (!gzipped) {
    yield* rest as AsyncIterable<Buffer>;
    return;
  }
  const gunzip = createGunzip();
  pipeline(rest, gunzip).catch(() => undefined); // the stream reports the error
  yield* gunzip as AsyncIterable<Buffer>;
}

function limited(limitBytes: number): (chunks: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
  return async function* (chunks) {
    let seen = 0;
    for await (const chunk of chunks) {
      seen += chunk.length;
      if (seen > limitBytes) throw tooLarge(limitBytes);
      yield chunk;
    }
  };
}

function collectEnd(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.on('data', (chunk: Buffer) => (text = (text + chunk.toString()).slice(-4000)));
  return () => text.trim().split('\n').at(-1) ?? '';
}

type Outcome = readonly [PromiseSettledResult<void>, PromiseSettledResult<unknown[]>];

function throwUnless([fed, ended]: Outcome, said: string, request: ImportRequest): void {
  const cause: unknown = fed.status === 'rejected' ? fed.reason : undefined;
  if (cause instanceof SlipwayError) throw cause;
  const [code, signal] = ended.status === 'fulfilled' ? ended.value : [undefined, undefined];
  if (signal === 'SIGXFSZ' || /file too large/i.test(said)) throw tooLarge(request.imageLimitBytes);
  if (cause === undefined && code === 0) return;
  throw new SlipwayError({
    code: 'SLIP_SLUG_TAR',
    httpStatus: 422,
    message: `The slug archive could not be read: ${said === '' ? describeCauses(cause) : said}.`,
    hint: 'Check it with: tar tzf slug.tgz',
    cause,
  });
}

function tooLarge(limitBytes: number): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_SLUG_TOO_LARGE',
    httpStatus: 422,
    message: `The slug archive is larger than ${(limitBytes / 1e6).toFixed(1)} MB.`,
    hint: 'Leave out what the app does not need at run time.',
    details: { limitBytes },
  });
}
