import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, lstat, mkdir, readdir, readlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, pack, type Pack } from 'tar-stream';
import { isErrno, SlipwayError } from '../../shared/kit/errors.ts';

const PERMISSIONS = 0o777;

/** Writes a file or a folder of this machine as a tar archive, with `name` as its first path. Symbolic links stay links. */
export async function packPath(path: string, name: string, target: Writable): Promise<void> {
  const tar = pack();
  const written = pipeline(tar, target);
  try {
    await packEntry(tar, path, name);
    tar.finalize();
  } catch (error) {
    tar.destroy(error instanceof Error ? error : undefined);
    await written.catch(() => undefined);
    throw error;
  }
  await written;
}

async function packEntry(tar: Pack, path: string, name: string): Promise<void> {
  const facts = await lstat(path);
  const common = { name, mode: facts.mode & PERMISSIONS, mtime: facts.mtime };
  if (facts.isDirectory()) {
    await addHeader(tar, { ...common, type: 'directory' });
    for (const child of (await readdir(path)).sort()) await packEntry(tar, join(path, child), `${name}/${child}`);
  } else if (facts.isSymbolicLink())
    await addHeader(tar, { ...common, type: 'symlink', linkname: await readlink(path) });
  else if (facts.isFile()) await pipeline(createReadStream(path), tar.entry({ ...common, size: facts.size }));
}

async function addHeader(tar: Pack, header: Parameters<Pack['entry']>[0]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    tar.entry(header, (error?: Error | null) => (error instanceof Error ? reject(error) : resolve()));
  });
}

export interface Unpacked {
  readonly files: number;
  /** Links and devices. A sandbox must not choose where this machine writes, so they are left out. */
  readonly skipped: readonly string[];
}

/**
 * Unpacks an archive of a sandbox, which can be hostile: each path stays below `target`, and nothing is written through a link.
 * @param name first path in the archive; it becomes `target`
 * @throws SLIP_COPY_PATH
 */
export async function unpackTo(target: string, name: string, source: Readable): Promise<Unpacked> {
  const tar = extract();
  const fed = pipeline(source, tar);
  fed.catch(() => undefined);
  const skipped: string[] = [];
  let files = 0;
  for await (const entry of tar) {
    const { type, mode } = entry.header;
    const parts = below(entry.header.name, name);
    const path = join(target, ...parts);
    if (type === 'directory') await makeFolders(target, parts);
    else if (type === 'file') {
      if (parts.length > 0) await makeFolders(target, parts.slice(0, -1));
      await writeNew(path, mode & PERMISSIONS, entry);
      files += 1;
    } else skipped.push(entry.header.name);
    entry.resume();
  }
  await fed;
  return { files, skipped };
}

function below(path: string, name: string): readonly string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  const [first, ...rest] = parts;
  if (first !== name || rest.includes('..')) throw badPath(path, 'leads out of the folder');
  return rest;
}

async function makeFolders(target: string, parts: readonly string[]): Promise<void> {
  let at = target;
  for (const part of ['', ...parts]) {
    at = join(at, part);
    await mkdir(at, { recursive: part === '' }).catch((error: unknown) => {
      if (!isErrno(error, 'EEXIST')) throw error;
    });
    if (part !== '' && !(await lstat(at)).isDirectory()) throw badPath(at, 'leads through a link or a file');
  }
}

/** A file that exists is replaced, but never followed. */
async function writeNew(path: string, mode: number, content: AsyncIterable<unknown>): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found !== undefined && !found.isFile()) throw badPath(path, 'is no file on this machine');
  if (found === undefined) await mkdir(dirname(path), { recursive: true });
  await pipeline(Readable.from(content), createWriteStream(path, { flags: 'w', mode }));
  await chmod(path, mode);
}

function badPath(path: string, why: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_COPY_PATH',
    message: `The path ${JSON.stringify(path.slice(0, 200))} of the archive ${why}, so it was not written.`,
    hint: 'Copy into an empty folder: slipway ps:copy web.1:/app/data ./data',
  });
}
