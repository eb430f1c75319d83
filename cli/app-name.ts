import { DEFAULT_ENV, type Run } from '../shared/kit/exec.ts';
import { textFlag, type Flags } from './cli.ts';
import { usageError } from './usage-error.ts';

export interface Remote {
  readonly name: string;
  readonly app: string;
}

/** A Slipway remote has one path segment; `ssh://git@github.com/user/repo.git` has two. */
const REMOTE_URL = /^ssh:\/\/[^/]+\/([a-z][a-z0-9-]{1,28}[a-z0-9])(?:\.git)?$/;

/** The remotes that may lead to apps, from the output of `git remote -v`. */
export function parseRemotes(text: string): readonly Remote[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', url = '', kind] = line.split(/\s+/);
    const app = REMOTE_URL.exec(url)?.[1];
    return app === undefined || kind !== '(push)' ? [] : [{ name, app }];
  });
}

/** The app of a folder: the app of its remote `slipway`, or the only app of its remotes. */
export function pickApp(remotes: readonly Remote[], wanted: string | undefined): string | undefined {
  const named = remotes.find((remote) => remote.name === (wanted ?? 'slipway'));
  if (named !== undefined || wanted !== undefined) return named?.app;
  const apps = new Set(remotes.map((remote) => remote.app));
  return apps.size === 1 ? [...apps][0] : undefined;
}

export interface Where {
  readonly run: Run;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** SLIPWAY_APP */
  readonly appFromEnvironment: string | undefined;
}

export async function resolveApp(flags: Flags, where: Where): Promise<string> {
  const named = textFlag(flags, 'app') ?? where.appFromEnvironment;
  if (named !== undefined) return named;
  const remotes = await gitRemotes(where);
  const wanted = textFlag(flags, 'remote');
  const app = pickApp(remotes, wanted);
  if (app !== undefined) return app;
  if (wanted !== undefined)
    throw usageError(`The git remote ${wanted} does not lead to an app.`, 'List your remotes with: git remote -v');
  const several = [...new Set(remotes.map((remote) => remote.app))].join(', ');
  throw remotes.length === 0
    ? usageError(
        'Which app? This folder has no git remote of an app.',
        'Name it with --app NAME, or add the remote with: slipway git:remote -a NAME',
      )
    : usageError(
        `Which app? The git remotes of this folder lead to several apps: ${several}.`,
        'Name it with --app NAME or --remote REMOTE',
      );
}

async function gitRemotes({ run, cwd, env }: Where): Promise<readonly Remote[]> {
  const result = await run({ file: 'git', args: ['remote', '-v'], cwd, env: { ...DEFAULT_ENV, ...env } }).catch(
    () => undefined,
  );
  return result?.code === 0 ? parseRemotes(result.stdout) : [];
}
