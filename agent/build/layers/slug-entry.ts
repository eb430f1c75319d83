import type { Header } from 'tar-stream';
import { quoteInput } from '../../../shared/domain/names.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';

export type LayerEntry = Partial<Header> & Pick<Header, 'name' | 'type'>;

const FILE_TYPES: ReadonlySet<string> = new Set(['file', 'contiguous-file']);

/**
 * Converts an entry of a Heroku slug (`./app/…`) to an entry of a layer, whose root is /app. Undefined for /app itself and entries outside of
 * it. Symbolic links may point anywhere, because they are resolved only inside the sandbox. Pure.
 * @throws SLIP_SLUG_TAR
 */
export function layerEntry(header: Header): LayerEntry | undefined {
  const name = innerPath(header.name, header.name);
  if (name === undefined) return undefined;
  const common = { name, mode: header.mode & 0o777, uid: 0, gid: 0, mtime: header.mtime };
  if (FILE_TYPES.has(header.type)) return { ...common, type: 'file', size: header.size };
  if (header.type === 'directory') return { ...common, type: 'directory' };
  if (header.type === 'symlink') return { ...common, type: 'symlink', linkname: header.linkname };
  if (header.type === 'link') return { ...common, type: 'link', linkname: hardLinkTarget(header) };
  throw invalidEntry(header.name, `is a ${header.type}, which a slug may not contain`);
}

/** @param entry its name is used in errors */
function innerPath(path: string, entry: string): string | undefined {
  if (path.startsWith('/')) throw invalidEntry(entry, 'has an absolute path');
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw invalidEntry(entry, 'leads out of the slug');
  if (parts.length === 0) return undefined;
  if (parts[0] !== 'app') throw invalidEntry(entry, 'is not below ./app');
  return parts.length === 1 ? undefined : parts.slice(1).join('/');
}

function hardLinkTarget(header: Header): string {
  const path = innerPath(header.linkname, header.name);
  if (path === undefined) throw invalidEntry(header.name, 'is a hard link to a folder');
  return path;
}

function invalidEntry(name: string, why: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_SLUG_TAR',
    httpStatus: 422,
    message: `The slug archive was refused: ${quoteInput(name)} ${why}.`,
    hint: 'A slug is a .tgz whose entries all lie below ./app, made for example by: tar czf slug.tgz ./app',
  });
}
