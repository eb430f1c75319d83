import type { Header } from 'tar-stream';
import { quoteInput } from '../../../shared/domain/names.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';

/** An entry of an archive as git stores it. Owners, times and special permissions are dropped. */
export type ArchiveEntry =
  | { readonly kind: 'file'; readonly path: string; readonly isExecutable: boolean; readonly bytes: number }
  /** A symbolic link. @see leavesFolder */
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string; readonly leavesFolder: boolean }
  /** Another name of an earlier file. */
  | { readonly kind: 'hardlink'; readonly path: string; readonly target: string }
  /** `git`: a part of a git repository. */
  | { readonly kind: 'skip'; readonly why: 'folder' | 'git' };

type Facts = Pick<Header, 'name'> & Partial<Pick<Header, 'type' | 'size' | 'mode' | 'linkname'>>;

const PATH_BYTES_MAX = 4096;
const NAME_BYTES_MAX = 255;
/** Some file systems ignore these characters in a name, so git refuses names that become `.git` without them. */
const IGNORED = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/** Pure. @throws SLIP_ARCHIVE_PATH, SLIP_ARCHIVE_LINK, SLIP_ARCHIVE_ENTRY */
export function archiveEntry(header: Facts): ArchiveEntry {
  if (header.type === 'directory') return { kind: 'skip', why: 'folder' };
  const parts = partsOf(header.name);
  if (parts.length === 0) throw invalidPath(header.name, 'is empty');
  if (parts.some((part) => part.toLowerCase() === '.git')) return { kind: 'skip', why: 'git' };
  if (parts.some(isGitName)) throw invalidPath(header.name, 'has a name that git does not allow');
  return storedEntry(parts.join('/'), header);
}

function storedEntry(path: string, { type, size = 0, mode = 0o644, linkname }: Facts): ArchiveEntry {
  switch (type) {
    case 'file':
    case 'contiguous-file':
      return { kind: 'file', path, isExecutable: (mode & 0o111) !== 0, bytes: size };
    case 'symlink':
      return symlink(path, linkname ?? '');
    case 'link':
      return { kind: 'hardlink', path, target: partsOf(linkname ?? '').join('/') };
    default:
      throw new SlipwayError({
        code: 'SLIP_ARCHIVE_ENTRY',
        message: `${quoteInput(path)} in the archive is a ${type ?? 'special file'}. Only files, folders and links can be deployed.`,
        hint: 'Leave it out of the archive.',
        httpStatus: 422,
      });
  }
}

/** The first folder or file of a path. */
export function topOf(path: string): { readonly name: string; readonly isFolder: boolean } {
  const end = path.indexOf('/');
  return end < 0 ? { name: path, isFolder: false } : { name: path.slice(0, end), isFolder: true };
}

function partsOf(name: string): readonly string[] {
  if (name.startsWith('/')) throw invalidPath(name, 'is absolute');
  if (name.includes('\0')) throw invalidPath(name, 'has a NUL byte');
  if (name.includes('\ufffd')) throw invalidPath(name, 'is not UTF-8');
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw invalidPath(name, 'leaves the folder of the archive');
  if (Buffer.byteLength(name) > PATH_BYTES_MAX || parts.some((part) => Buffer.byteLength(part) > NAME_BYTES_MAX))
    throw invalidPath(name, 'is too long');
  return parts;
}

/** Names that are `.git` on HFS+ or NTFS. */
function isGitName(part: string): boolean {
  const plain = part.replace(IGNORED, '').toLowerCase();
  const [ntfs = ''] = plain.split(':', 1);
  return /^(?:\.git|git~1)[. ]*$/.test(ntfs);
}

function symlink(path: string, target: string): ArchiveEntry {
  if (target === '' || target.includes('\0')) throw invalidLink(path, target, 'has no target');
  const depth = lowestDepth(path, target);
  if (depth < 0) throw invalidLink(path, target, 'points out of the folder of the archive');
  return { kind: 'symlink', path, target, leavesFolder: depth < 1 };
}

/** How far up the path of a link goes: 0 is the top of the archive, below 0 is outside. */
function lowestDepth(path: string, target: string): number {
  if (target.startsWith('/')) return -1;
  let depth = path.split('/').length - 1;
  let lowest = depth;
  for (const part of target.split('/')) {
    if (part === '' || part === '.') continue;
    depth += part === '..' ? -1 : 1;
    lowest = Math.min(lowest, depth);
  }
  return lowest;
}

function invalidPath(name: string, what: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_ARCHIVE_PATH',
    message: `The path ${quoteInput(name)} in the archive ${what}.`,
    hint: 'Make the archive in the folder of the app, for example with: tar -czf app.tgz .',
    httpStatus: 422,
  });
}

/** Also for a hard link. */
export function invalidLink(path: string, target: string, what: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_ARCHIVE_LINK',
    message: `The link ${quoteInput(path)} in the archive (to ${quoteInput(target)}) ${what}.`,
    hint: 'Replace it with a copy of the file, or leave it out of the archive.',
    httpStatus: 422,
  });
}
