/** Command lines of mksquashfs, run inside the folder that becomes /app. Pure. */
export interface SquashOptions {
  readonly output: string;
  /** Of every file and folder. */
  readonly mtimeMs: number;
  readonly processors: number;
  readonly memoryMebibytes: number;
}

/** 1980-01-01: the earliest time of zip, and clearly not a real time. */
export const CONSTANT_MTIME_MS = Date.UTC(1980, 0, 1);

/** No set-user-id and set-group-id bits. For a tar stream mksquashfs has no actions; its entries lose the bits in `layerEntry`. */
const NO_SET_ID = ['-action', 'chmod(a-s)@!perm(0)'];

const MAX_UNIX_TIME = 0xffff_ffff;

/** The whole folder without the content of `excluded`. */
export function squashAppArgv(options: SquashOptions, excluded: readonly string[]): readonly string[] {
  const patterns = excluded.map(escapePattern).flatMap((path) => [`${path}/*`, `${path}/.*`]);
  const exclusion = patterns.length === 0 ? [] : ['-wildcards', '-e', ...patterns]; // -e takes all following arguments
  return ['.', options.output, ...common(options), ...NO_SET_ID, ...exclusion];
}

/** One folder, at its own path in the image, so that all layers have the same root. Parent folders get a fixed mode. */
export function squashFolderArgv(options: SquashOptions, path: string): readonly string[] {
  const modes = pathsDownTo(path).flatMap((folder) => ['-p', `${escapePseudo(folder)} m 0755 0 0`]);
  return [`./${path}`, options.output, '-tarstyle', ...common(options), ...NO_SET_ID, ...modes];
}

/** The tree of a tar stream on standard input. Nothing is unpacked on this machine. */
export function squashTarArgv(options: SquashOptions): readonly string[] {
  return ['-', options.output, '-tar', ...common(options)];
}

/**
 * The image does not depend on the machine or on earlier builds: one owner, one time, no extended attributes, a fixed mode of the root folder.
 * Hard links become separate files with shared data, because an overlay breaks hard links on copy-up.
 */
function common({ mtimeMs, processors, memoryMebibytes }: SquashOptions): readonly string[] {
  return [
    ...['-comp', 'zstd', '-Xcompression-level', '3', '-b', '131072'],
    ...['-all-root', '-noId', '-no-xattrs', '-no-hardlinks', '-root-mode', '0755'],
    ...['-mkfs-time', unixSeconds(CONSTANT_MTIME_MS), '-all-time', unixSeconds(mtimeMs)],
    ...['-noappend', '-nopad', '-no-recovery', '-exit-on-error', '-quiet', '-no-progress'],
    ...['-processors', String(processors), '-mem', `${memoryMebibytes}M`],
  ];
}

function unixSeconds(ms: number): string {
  return String(Math.min(MAX_UNIX_TIME, Math.max(0, Math.floor(ms / 1000))));
}

/** `a/b/c` → `a`, `a/b`, `a/b/c`. */
function pathsDownTo(path: string): readonly string[] {
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** fnmatch takes a backslash before any ASCII character as that character. */
export function escapePattern(path: string): string {
  return path.replace(/[^A-Za-z0-9/_.\u0080-\u{10ffff}-]/gu, '\\$&');
}

/** The name in a pseudo-file definition ends at the first space that is not escaped. */
function escapePseudo(path: string): string {
  return path.replace(/["\\\s]/g, '\\$&');
}
