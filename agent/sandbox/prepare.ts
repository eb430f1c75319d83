import { chown, chmod, lstat, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { runOk, type Run } from '../../shared/kit/exec.ts';
import type { InstanceLayout } from './config.ts';
import { exportsFile } from './environment.ts';
import { reachableBinds } from './files/reachable.ts';
import { viewOf } from './files/shield.ts';
import { hasPath, hostsFile, type RootFiles } from './files/skeleton.ts';
import { APP_UID, hiddenProcCandidates, sandboxPolicy, TERMINALS_MAX, type SandboxPolicy } from './policy.ts';
import type { SandboxSpec } from './port.ts';

export interface PrepareInput {
  readonly spec: SandboxSpec;
  readonly layout: InstanceLayout;
  readonly rootFiles: RootFiles;
  /** Folder of all files of the sandboxes. */
  readonly base: string;
  readonly scriptsDir: string;
  readonly netns: string;
  /** Address of the sandbox. */
  readonly address: string;
  readonly oomScoreAdjust: number;
  readonly ownTerminals: boolean;
}

/** Fills a sandbox's folder, whose disk is mounted already: owner, merged /app, secrets, root. Returns the policy to render. */
export async function prepareFiles(given: PrepareInput, run: Run): Promise<SandboxPolicy> {
  const { layout } = given;
  const spec = await reachableBinds(given.spec, layout, run);
  const input = { ...given, spec };
  await setOwners(layout, spec.uidBase);
  await writeSecrets(layout, spec);
  await writeHosts(layout, hostsFile(spec.hostname, given.address));
  await mountApp(spec, layout, run);
  if (input.ownTerminals) await mountTerminals(layout, spec.uidBase, run);
  const fileBinds = await fileSources(spec);
  const root = await mountRoot(input, fileBinds, run);
  return sandboxPolicy({
    spec,
    layout,
    root,
    rootMounts: input.rootFiles.mounts,
    fileBinds,
    procEntries: hiddenProcCandidates().filter((path) => existsSync(path)),
    oomScoreAdjust: input.oomScoreAdjust,
    ownTerminals: input.ownTerminals,
    scriptsDir: input.scriptsDir,
    view: (path) => viewOf(input.base, path),
    netns: input.netns,
  });
}

/** The container's root walks the folder's path to bind what is in it; it is nobody here, so its group may pass. */
async function setOwners(layout: InstanceLayout, uidBase: number): Promise<void> {
  const owner = uidBase + APP_UID;
  await chown(layout.dir, 0, uidBase);
  await chmod(layout.dir, 0o710);
  await Promise.all([layout.upper, layout.tmp, layout.output].map((path) => chown(path, owner, owner)));
  await chmod(layout.tmp, 0o1777);
  await mkdir(layout.log, { recursive: true, mode: 0o700 });
}

/** The app's group may enter and read, nobody else: the folder is bound into the sandbox read-only. */
async function writeSecrets(layout: InstanceLayout, spec: SandboxSpec): Promise<void> {
  const group = spec.uidBase + APP_UID;
  const file = join(layout.secrets, 'env');
  await writeFile(file, exportsFile(spec.env), { mode: 0o400 });
  await chown(file, 0, group);
  await chmod(file, 0o440);
  await chown(layout.secrets, 0, group);
  await chmod(layout.secrets, 0o750);
}

/** Every user in the sandbox must be able to read it, whatever the umask of the agent. */
async function writeHosts(layout: InstanceLayout, text: string): Promise<void> {
  await writeFile(layout.hosts, text);
  await chmod(layout.hosts, 0o644);
}

/** Layers by short relative names: /proc/mounts inside then tells nothing of this machine, and no path needs escaping. */
async function mountApp(spec: SandboxSpec, layout: InstanceLayout, run: Run): Promise<void> {
  if (spec.lowerDirs.length === 0) {
    await runOk(run, { file: 'mount', args: ['--bind', '--', layout.upper, layout.app], timeoutMs: 20_000 });
    return;
  }
  await Promise.all(spec.lowerDirs.map((lower, index) => symlink(lower, join(layout.dir, 'lower', String(index)))));
  const lowers = spec.lowerDirs.map((_, index) => `lower/${String(index)}`).reverse();
  const options = `lowerdir=${lowers.join(':')},upperdir=disk/upper,workdir=disk/work,volatile,nosuid,nodev`;
  await runOk(run, { file: 'mount', args: ['-t', 'overlay', '-o', options, 'app', 'app'], cwd: layout.dir, timeoutMs: 20_000 });
}

/** The group that owns terminals on every Debian. */
const TTY_GID = 5;

async function mountTerminals(layout: InstanceLayout, uidBase: number, run: Run): Promise<void> {
  await mkdir(layout.terminals, { recursive: true });
  const owner = `gid=${String(uidBase + TTY_GID)},mode=620,ptmxmode=666`;
  const options = `newinstance,nosuid,noexec,${owner},max=${String(TERMINALS_MAX)}`;
  await runOk(run, { file: 'mount', args: ['-t', 'devpts', '-o', options, 'devpts', layout.terminals], timeoutMs: 20_000 });
}

async function fileSources(spec: SandboxSpec): Promise<Set<string>> {
  const sources = [...Object.keys(spec.readOnlyBinds), ...Object.keys(spec.writableBinds)];
  const files = new Set<string>();
  for (const source of sources) {
    const found = await lstat(source).catch(() => undefined);
    if (found === undefined || found.isSymbolicLink()) throw bindFailure(source, 'is not on this machine');
    if (!found.isDirectory()) files.add(source);
  }
  return files;
}

/** The shared skeleton as it is, unless mount points are missing in it: then a read-only overlay that adds them. */
async function mountRoot(input: PrepareInput, files: ReadonlySet<string>, run: Run): Promise<string> {
  const { spec, layout, rootFiles } = input;
  const targets = { ...spec.readOnlyBinds, ...spec.writableBinds };
  let added = 0;
  for (const [source, target] of Object.entries(targets)) {
    if (!/^\/[^\0\n]+$/.test(target) || target.split('/').includes('..')) throw bindFailure(target, 'is not an absolute path');
    if (await addTarget(input, target, files.has(source))) added += 1;
  }
  const [only] = rootFiles.lowers;
  if (added === 0 && rootFiles.lowers.length === 1 && only !== undefined) return only;
  const lowers = ['targets', ...(await Promise.all(rootFiles.lowers.map((lower, index) => linkLower(layout, lower, index))))];
  const options = `lowerdir=${lowers.join(':')},nosuid,nodev`;
  await runOk(run, { file: 'mount', args: ['-t', 'overlay', '-o', options, 'root', 'root'], cwd: layout.dir, timeoutMs: 20_000 });
  return layout.root;
}

async function linkLower(layout: InstanceLayout, lower: string, index: number): Promise<string> {
  const name = `lower/root${String(index)}`;
  await symlink(lower, join(layout.dir, name));
  return name;
}

/** Makes the mount point where the sandbox will find it. True when it went into the root's extra layer. */
async function addTarget(input: PrepareInput, target: string, isFile: boolean): Promise<boolean> {
  const { layout, rootFiles, spec } = input;
  for (const [prefix, dir] of [
    ['/app', layout.app],
    ['/tmp', layout.tmp],
  ] as const) {
    if (target === prefix || !target.startsWith(`${prefix}/`)) continue;
    await makeTarget(dir, target.slice(prefix.length + 1), { isFile, owner: spec.uidBase + APP_UID });
    return false;
  }
  if (await hasPath(rootFiles, target)) return false;
  const covering = rootFiles.mounts.find((mount) => target.startsWith(`${mount.target}/`));
  if (covering?.kind === 'bind' && !existsSync(join(covering.source, target.slice(covering.target.length)))) {
    throw bindFailure(target, `would have to be made in ${covering.target}, which is read-only`);
  }
  if (covering !== undefined) return false;
  await makeTarget(join(layout.dir, 'targets'), target.slice(1), { isFile, owner: 0 });
  return true;
}

async function makeTarget(base: string, path: string, as: { isFile: boolean; owner: number }): Promise<void> {
  const parts = path.split('/').filter(Boolean);
  let at = base;
  for (const [index, part] of parts.entries()) {
    at = join(at, part);
    const found = await lstat(at).catch(() => undefined);
    if (found?.isSymbolicLink() === true) throw bindFailure(path, 'leads through a symbolic link');
    if (found !== undefined) continue;
    await (as.isFile && index === parts.length - 1 ? writeFile(at, '', { flag: 'wx' }) : mkdir(at));
    await chown(at, as.owner, as.owner);
  }
}

/** Writes what a tool wants to find. */
export async function writeToolFiles(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [path, data] of Object.entries(files)) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, data, { mode: 0o644 });
  }
}

/** Old log files of an earlier life under this id are kept: a crash loop's last words are in them. */
export async function discardExit(layout: InstanceLayout): Promise<void> {
  await rm(layout.exitFile, { force: true });
}

function bindFailure(path: string, what: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_SANDBOX_BIND',
    kind: 'bug',
    message: `A folder of the sandbox cannot be set up: ${path.slice(0, 200)} ${what}.`,
  });
}
