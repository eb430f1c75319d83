import type { Command } from '../../../shared/kit/exec.ts';
import type { GitServiceName } from '../parse-exec.ts';

/** Every git command of the controller, as argv. Pure. git reads no configuration of the machine or of a user. */

/** The exact environment of every git process. A client can only add GIT_PROTOCOL. */
export const GIT_ENV: Readonly<Record<string, string>> = Object.freeze({
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: '/nonexistent',
  LANG: 'C.UTF-8',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
});

export interface ServiceOptions {
  readonly service: GitServiceName;
  readonly repositoryDir: string;
  readonly hooksDir: string;
  readonly maxPackBytes: number;
  /** Hint for a larger pack. Absent: the limit of one push is the reason. */
  readonly tooLarge?: string | undefined;
  /** Memory limit of one git; default {@link GIT_MEMORY_BYTES}. */
  readonly memoryBytes?: number | undefined;
  /** `version=0..2`, already checked. */
  readonly protocol?: string | undefined;
  /** @see hiddenCommitsDir */
  readonly hiddenCommitsDir?: string | undefined;
}

/** Run nothing that a repository names, write durably, and leave housekeeping to the controller. */
const SAFE_CONFIG: readonly string[] = [
  'safe.bareRepository=explicit',
  'core.fsmonitor=false',
  'core.fsync=all',
  'core.fsyncMethod=fsync',
  // The quarantine sees the repository as an alternate, whose refs are known already: one process less.
  'core.alternateRefsCommand=true',
  'gc.auto=0',
  'maintenance.auto=false',
  'protocol.allow=never',
  'transfer.fsckObjects=true',
  'transfer.hideRefs=refs/slipway',
];

/**
 * Memory limit of one git. A pack of a few bytes can contain "ten gigabytes of zeros". git streams objects above the threshold, so it needs
 * little memory for them. It cannot stream a delta, and then git ends with "Out of memory" instead of the machine.
 */
export const GIT_MEMORY_BYTES = 512 * 1024 ** 2;
const CPU_SECONDS = 15 * 60;
const FRUGAL_CONFIG: readonly string[] = [
  'core.bigFileThreshold=32m',
  'core.deltaBaseCacheLimit=64m',
  'pack.threads=2',
  'pack.windowMemory=64m',
  'pack.deltaCacheSize=64m',
];

/** `git` with limits. `prlimit` replaces itself with git. */
function bounded(command: Command, memoryBytes = GIT_MEMORY_BYTES): Command {
  const bounds = [`--data=${String(memoryBytes)}`, `--cpu=${String(CPU_SECONDS)}`];
  return { ...command, file: 'prlimit', args: [...bounds, '--', command.file, ...command.args] };
}

/** The settings of a push, on the command line, so that a repository cannot have older ones. */
function receiveConfig(options: ServiceOptions): string[] {
  return [
    'receive.fsckObjects=true',
    // Harmless flaws of old histories that nobody can repair without rewriting them.
    'receive.fsck.badTimezone=warn',
    'receive.fsck.missingSpaceBeforeDate=warn',
    'receive.procReceiveRefs=refs',
    `receive.maxInputSize=${String(options.maxPackBytes)}`,
    // One pack a push: three files to make durable, however many objects.
    'receive.unpackLimit=1',
    'receive.autogc=false',
    'receive.denyCurrentBranch=ignore',
    'receive.denyDeleteCurrent=ignore',
    'receive.keepAlive=5',
  ];
}

/**
 * Git runs it with the folder of each alternate as $1, and tells the pusher the commits that it prints. Only the folder of hiddenCommitsDir is inside
 * a repository. The text is fixed: no name of a user is in it.
 */
const HIDDEN_COMMITS =
  'test ! -f "$1/../HEAD" || git --git-dir="$1/.." for-each-ref --format="%(objectname)" refs/slipway; :';

/** Later settings replace earlier ones. */
function hiddenCommits({ hiddenCommitsDir: dir }: ServiceOptions): {
  readonly settings: readonly string[];
  readonly env: Readonly<Record<string, string>>;
} {
  if (dir === undefined) return { settings: [], env: {} };
  // The list has colons between its entries. A quoted entry may have one inside.
  const env = { GIT_ALTERNATE_OBJECT_DIRECTORIES: JSON.stringify(dir) };
  return { settings: [`core.alternateRefsCommand=${HIDDEN_COMMITS}`], env };
}

function withConfig(settings: readonly string[]): string[] {
  return settings.flatMap((setting) => ['-c', setting]);
}

/** The git process that serves a client. */
export function serviceCommand(options: ServiceOptions): Command {
  const hooks = `core.hooksPath=${options.hooksDir}`;
  const hidden = hiddenCommits(options);
  const protocol = options.protocol === undefined ? {} : { GIT_PROTOCOL: options.protocol };
  const env = { ...GIT_ENV, ...protocol, ...hidden.env };
  const receives = options.service === 'receive-pack';
  const settings = [
    ...SAFE_CONFIG,
    ...FRUGAL_CONFIG,
    hooks,
    ...(receives ? receiveConfig(options) : []),
    ...hidden.settings,
  ];
  const service = receives ? ['receive-pack'] : ['upload-pack', '--strict', '--timeout=300'];
  const args = [...withConfig(settings), ...service, options.repositoryDir];
  return bounded({ file: 'git', args, env }, options.memoryBytes);
}

/** A git command inside a repository, without hooks. */
export function gitCommand(repositoryDir: string, args: readonly string[]): Command {
  return bounded({
    file: 'git',
    args: [
      `--git-dir=${repositoryDir}`,
      ...withConfig([...SAFE_CONFIG, ...FRUGAL_CONFIG, 'core.hooksPath=/dev/null']),
      ...args,
    ],
    env: GIT_ENV,
    timeoutMs: 60_000,
  });
}

export function initCommand(dir: string): Command {
  return {
    file: 'git',
    args: ['init', '--quiet', '--bare', '--template=', '--initial-branch=main', '--', dir],
    env: GIT_ENV,
    timeoutMs: 60_000,
  };
}

/** Reads one commit with its files from standard input. A limit of 0 objects makes it write a pack also for one object. */
export function fastImportCommand(repositoryDir: string): Command {
  return gitCommand(repositoryDir, [...withConfig(['fastimport.unpackLimit=0']), 'fast-import', '--quiet', '--done']);
}

export function updateRefArgs(ref: string, newCommit: string, oldCommit: string): readonly string[] {
  return ['update-ref', '--no-deref', '-m', 'release', '--', ref, newCommit, oldCommit];
}

export function removeRefArgs(ref: string, commit: string): readonly string[] {
  return ['update-ref', '--no-deref', '-d', '--', ref, commit];
}

export function readRefArgs(ref: string): readonly string[] {
  return ['for-each-ref', '--format=%(objectname)', '--', ref];
}

/**
 * Combines the packs of many pushes, and removes objects that no ref has held for two weeks. Until then these objects are in one pack of their
 * own, because one file for each could mean millions of files.
 */
export function housekeepingCommand(repositoryDir: string): Command {
  const settings = ['gc.packRefs=false', 'gc.writeCommitGraph=false', 'gc.cruftPacks=true'];
  return { ...gitCommand(repositoryDir, [...withConfig(settings), 'gc', '--quiet']), timeoutMs: 30 * 60_000 };
}

/** Changes several refs, all or none. @param updates lines for `git update-ref --stdin` */
export function refUpdatesCommand(repositoryDir: string, updates: string): Command {
  return { ...gitCommand(repositoryDir, ['update-ref', '--no-deref', '--stdin']), stdin: updates };
}

/** Prints one line for each object: its type, or that it is missing. */
export function kindsCommand(repositoryDir: string, objects: readonly string[]): Command {
  const stdin = objects.map((object) => `${object}\n`).join('');
  return { ...gitCommand(repositoryDir, ['cat-file', '--batch-check=%(objecttype)']), stdin };
}

/** A tree as a tar. @param tree a commit, or `COMMIT:FOLDER` */
export function archiveCommand(repositoryDir: string, tree: string): Command {
  return gitCommand(repositoryDir, archiveArgs(tree));
}

function archiveArgs(tree: string): readonly string[] {
  return ['archive', '--format=tar', tree];
}

/** Prints a header line and the content of a blob. It follows symbolic links inside the tree. */
export function blobCommand(repositoryDir: string, object: string): Command {
  return { ...gitCommand(repositoryDir, ['cat-file', '--batch', '--follow-symlinks']), stdin: `${object}\n` };
}

/** Prints the type of an object, or that it is missing. It does not follow symlinks. */
export function kindCommand(repositoryDir: string, object: string): Command {
  return kindsCommand(repositoryDir, [object]);
}
