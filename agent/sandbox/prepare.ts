import { chown, chmod, lstat, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Run } from '../../shared/kit/exec.ts';
import type { InstanceLayout } from './config.ts';
import { exportsFile } from './environment.ts';
import { mountAll, type NewMount } from './files/mounts.ts';
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

/** Fills the folder of a sandbox, whose disk is mounted already: owners, merged /app, secrets, root. Returns the policy to render. */
export async function prepareFiles(given: PrepareInput, run: Run): Promise<SandboxPolicy> {
  const { layout } = given;
  const { spec, mounts: bindMounts } = await reachableBinds(given.spec, layout);
  const input = { ...given, spec };
  await setOwners(layout, spec.uidBase);
  await writeSecrets(layout, spec);
  await writeHosts(layout, hostsFile(spec.hostname, given.address));
  const fileBinds = await fileSources(spec);
  const { root, mounts: rootMounts, later } = await planRoot(input, fileBinds);
  const terminals = input.ownTerminals ? [await planTerminals(layout, spec.uidBase)] : [];
  await mountAll(layout.dir, [...bindMounts, await planApp(spec, layout), ...terminals, ...rootMounts], run);
  for (const target of later) await makeTarget(target.base, target.path, target);
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

/** The root user of the container must enter this folder. It is not root on the host, so its group gets access. */
async function setOwners(layout: InstanceLayout, uidBase: number): Promise<void> {
  const owner = uidBase + APP_UID;
  await chown(layout.dir, 0, uidBase);
  await chmod(layout.dir, 0o710);
  await Promise.all([layout.upper, layout.tmp, layout.output].map((path) => chown(path, owner, owner)));
  await chmod(layout.tmp, 0o1777);
  await mkdir(layout.log, { recursive: true, mode: 0o700 });
}

/** Only the group of the app may read it. The folder is bound into the sandbox read-only. */
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

/** Layers have short relative names, so /proc/mounts in the sandbox shows no host paths, and no path needs escaping. */
async function planApp(spec: SandboxSpec, layout: InstanceLayout): Promise<NewMount> {
  if (spec.lowerDirs.length === 0) return { source: layout.upper, target: layout.app, type: 'none', options: 'bind' };
  await Promise.all(spec.lowerDirs.map((lower, index) => symlink(lower, join(layout.dir, 'lower', String(index)))));
  const lowers = spec.lowerDirs.map((_, index) => `lower/${String(index)}`).reverse();
  const options = `lowerdir=${lowers.join(':')},upperdir=disk/upper,workdir=disk/work,volatile,nosuid,nodev`;
  return { source: 'app', target: layout.app, type: 'overlay', options };
}

/** The group that owns terminals on every Debian. */
const TTY_GID = 5;

async function planTerminals(layout: InstanceLayout, uidBase: number): Promise<NewMount> {
  await mkdir(layout.terminals, { recursive: true });
  const owner = `gid=${String(uidBase + TTY_GID)},mode=620,ptmxmode=666`;
  const options = `newinstance,nosuid,noexec,${owner},max=${String(TERMINALS_MAX)}`;
  return { source: 'devpts', target: layout.terminals, type: 'devpts', options };
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

/** A mount point to make. */
interface Target {
  readonly base: string;
  readonly path: string;
  readonly isFile: boolean;
  readonly owner: number;
}

interface RootPlan {
  /** Path of the root after the mounts. */
  readonly root: string;
  readonly mounts: readonly NewMount[];
  /** Mount points to make in /app and /tmp after the mounts. */
  readonly later: readonly Target[];
}

/** The shared skeleton, or a read-only overlay that adds the missing mount points to it. */
async function planRoot(input: PrepareInput, files: ReadonlySet<string>): Promise<RootPlan> {
  const { spec, layout, rootFiles } = input;
  const targets = { ...spec.readOnlyBinds, ...spec.writableBinds };
  const later: Target[] = [];
  let added = 0;
  for (const [source, target] of Object.entries(targets)) {
    if (!/^\/[^\0\n]+$/.test(target) || target.split('/').includes('..'))
      throw bindFailure(target, 'is not an absolute path');
    const inside = targetInside(input, target, files.has(source));
    if (inside !== undefined) later.push(inside);
    else if (await addTarget(input, target, files.has(source))) added += 1;
  }
  const [only] = rootFiles.lowers;
  if (added === 0 && rootFiles.lowers.length === 1 && only !== undefined) return { root: only, mounts: [], later };
  const lowers = [
    'targets',
    ...(await Promise.all(rootFiles.lowers.map((lower, index) => linkLower(layout, lower, index)))),
  ];
  const options = `lowerdir=${lowers.join(':')},nosuid,nodev`;
  return { root: layout.root, mounts: [{ source: 'root', target: layout.root, type: 'overlay', options }], later };
}

async function linkLower(layout: InstanceLayout, lower: string, index: number): Promise<string> {
  const name = `lower/root${String(index)}`;
  await symlink(lower, join(layout.dir, name));
  return name;
}

/** A mount point in a folder that the sandbox can write to. */
function targetInside({ layout, spec }: PrepareInput, target: string, isFile: boolean): Target | undefined {
  for (const [prefix, base] of [
    ['/app', layout.app],
    ['/tmp', layout.tmp],
  ] as const) {
    if (target.startsWith(`${prefix}/`))
      return { base, path: target.slice(prefix.length + 1), isFile, owner: spec.uidBase + APP_UID };
  }
  return undefined;
}

/** Makes a missing mount point in the extra layer of the root. @returns true if it was missing */
async function addTarget({ layout, rootFiles }: PrepareInput, target: string, isFile: boolean): Promise<boolean> {
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

/** Writes the files of a tool. */
export async function writeToolFiles(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [path, data] of Object.entries(files)) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, data, { mode: 0o644 });
  }
}

/** Keeps the log of earlier processes with this id, because it shows the reason for a crash loop. */
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
