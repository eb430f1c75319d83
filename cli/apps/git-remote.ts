import { SlipwayError } from '../../shared/kit/errors.ts';
import { DEFAULT_ENV, runOk, type CommandResult } from '../../shared/kit/exec.ts';
import type { Cli } from '../cli.ts';

type GitCli = Pick<Cli, 'run' | 'cwd' | 'env'>;

export async function isGitFolder(cli: GitCli): Promise<boolean> {
  const result = await git(cli, ['rev-parse', '--git-dir']).catch(() => undefined);
  return result?.code === 0;
}

/** The URL of a git remote of this folder. @throws SLIP_CLI_GIT for an invalid name */
export async function remoteUrl(cli: GitCli, remote: string): Promise<string | undefined> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(remote))
    throw gitFailed(`${JSON.stringify(remote)} is not a valid name of a git remote.`);
  const { code, stdout } = await git(cli, ['remote', 'get-url', remote]);
  return code === 0 ? stdout.trim() : undefined;
}

/** Adds the remote, or changes the URL of an existing one. @throws SLIP_CLI_GIT */
export async function setRemote(cli: GitCli, { remote, url }: { remote: string; url: string }): Promise<void> {
  const known = (await remoteUrl(cli, remote)) !== undefined;
  const args = known ? ['remote', 'set-url', remote, url] : ['remote', 'add', remote, url];
  await runOk(cli.run, { file: 'git', args, cwd: cli.cwd, env: { ...DEFAULT_ENV, ...cli.env } });
}

/** Removes the remotes of this folder that have exactly this URL. @returns their names */
export async function removeRemotesTo(cli: GitCli, url: string): Promise<readonly string[]> {
  const names = await remotesTo(cli, url);
  for (const name of names) await git(cli, ['remote', 'remove', name]);
  return names;
}

/** Changes the remotes of this folder that have exactly the URL `from`. @returns their names */
export async function moveRemotes(cli: GitCli, { from, to }: { from: string; to: string }): Promise<readonly string[]> {
  const names = await remotesTo(cli, from);
  for (const name of names) await git(cli, ['remote', 'set-url', name, to]);
  return names;
}

async function remotesTo(cli: GitCli, url: string): Promise<readonly string[]> {
  const listed = await git(cli, ['remote', '-v']).catch(() => undefined);
  const rows = (listed?.code === 0 ? listed.stdout : '').split('\n').map((line) => line.split(/\s+/));
  return rows.flatMap(([name = '', to, kind]) => (to === url && kind === '(push)' ? [name] : []));
}

export function notAGitFolder(): SlipwayError {
  return gitFailed('This folder is not a git repository.', 'Create a repository with: git init');
}

function gitFailed(message: string, hint = 'List your remotes with: git remote -v'): SlipwayError {
  return new SlipwayError({ code: 'SLIP_CLI_GIT', message, hint });
}

function git({ run, cwd, env }: GitCli, args: readonly string[]): Promise<CommandResult> {
  return run({ file: 'git', args, cwd, env: { ...DEFAULT_ENV, ...env } });
}
