import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  GitUser,
  Push,
  PushApp,
  PushPolicy,
  PushOutcome,
  PushOutput,
  ReceiveLimits,
} from '../../controller/push/port.ts';
import { moveRef } from '../../controller/push/git/move-ref.ts';
import {
  createGitServer,
  type GitServer,
  type GitServerAddress,
  type GitServerConfig,
} from '../../controller/push/server.ts';
import { keyFingerprint } from '../../controller/push/ssh/fingerprint.ts';
import type { AppId, UserId } from '../../shared/domain/ids.ts';
import { parseAppName, type UserName } from '../../shared/domain/names.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { run, type CommandResult } from '../../shared/kit/exec.ts';
import { noFailpoint } from '../../shared/kit/failpoint.ts';
import { silentLogger } from '../../shared/kit/log.ts';
import { sshKeyPair } from './ssh-key-pair.ts';

export interface TestKey {
  readonly path: string;
  readonly privateKey: string;
  readonly fingerprint: string;
}

type Deploy = (push: Push, output: PushOutput, signal: AbortSignal) => Promise<PushOutcome>;

/** A PushPolicy in memory. An app belongs to the first user who pushes it. A test can replace `deploy`. */
class FakePushPolicy implements PushPolicy {
  readonly users = new Map<string, GitUser>();
  readonly owners = new Map<string, { owner: string; app: PushApp }>();
  readonly removals = new Map<string, AbortController>();
  readonly pushes: Push[] = [];
  readonly deployedAtMs: number[] = [];
  /** Number of deploys that run now, and the most that ever ran together. */
  running = 0;
  maxRunning = 0;
  refuseReceive: Error | undefined;
  repositoryMegabytes = 1_000;
  deployWith: Deploy = accept;

  userByFingerprint(fingerprint: string): Promise<GitUser | undefined> {
    return Promise.resolve(this.users.get(fingerprint));
  }

  untilKeyRemoved(_user: GitUser, fingerprint: string): AbortSignal {
    const removal = this.removals.get(fingerprint) ?? new AbortController();
    this.removals.set(fingerprint, removal);
    return removal.signal;
  }

  awaitBuilder(): Promise<void> {
    return Promise.resolve();
  }

  openApp(user: GitUser, name: string, access: 'read' | 'write'): Promise<PushApp> {
    const known = this.owners.get(name);
    if (known?.owner === user.userId) return Promise.resolve(known.app);
    if (known !== undefined || access === 'read') return Promise.reject(notFound(name));
    const app: PushApp = {
      appId: `app${String(this.owners.size).padStart(8, '0')}` as AppId,
      name: parseAppName(name),
    };
    this.owners.set(name, { owner: user.userId, app });
    return Promise.resolve(app);
  }

  acceptApp(): Promise<void> {
    return Promise.resolve();
  }

  closeApp(): Promise<boolean> {
    return Promise.resolve(false);
  }

  join(_appId: AppId, closed: AbortSignal): ReturnType<PushPolicy['join']> {
    return { signal: closed, leave: () => undefined };
  }

  hasApp(): Promise<boolean> {
    return Promise.resolve(true);
  }

  beforeReceive(_app: PushApp, user: GitUser): Promise<ReceiveLimits> {
    const limits = { repositoryMegabytes: this.repositoryMegabytes, owner: user.name };
    return this.refuseReceive === undefined ? Promise.resolve(limits) : Promise.reject(this.refuseReceive);
  }

  async deploy(push: Push, output: PushOutput, signal: AbortSignal): Promise<PushOutcome> {
    this.deployedAtMs.push(performance.now());
    this.pushes.push(push);
    this.running += 1;
    this.maxRunning = Math.max(this.maxRunning, this.running);
    try {
      return await this.deployWith(push, output, signal);
    } finally {
      this.running -= 1;
    }
  }
}

/** A deploy that succeeds at once. */
export async function accept(push: Push): Promise<PushOutcome> {
  await moveRef(push.repositoryDir, push.ref, { from: push.oldCommit, to: push.newCommit });
  return { ok: true };
}

function notFound(name: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_APP_NOT_FOUND',
    message: `There is no app ${name}, or you may not use it.`,
    hint: 'See your apps: slipway apps',
  });
}

/** A git server with a fake push policy, a folder for clients, and the real git and ssh programs. */
export class PushFixture {
  readonly policy = new FakePushPolicy();
  readonly dir: string;
  #server: GitServer;
  #config: GitServerConfig;
  address!: GitServerAddress;

  private constructor(dir: string, config: Partial<GitServerConfig>) {
    this.dir = dir;
    this.#config = {
      host: '127.0.0.1',
      port: 0,
      stateDir: join(dir, 'state'),
      reposDir: join(dir, 'repos'),
      ...config,
    };
    this.#server = this.#create();
  }

  static async start(config: Partial<GitServerConfig> = {}): Promise<PushFixture> {
    const fixture = new PushFixture(await mkdtemp(join(tmpdir(), 'slipway-push-')), config);
    await fixture.#listen();
    await writeFile(
      join(fixture.dir, 'gitconfig'),
      '[user]\nname = Ann\nemail = ann@example.com\n[init]\ndefaultBranch = main\n',
    );
    return fixture;
  }

  #create(): GitServer {
    return createGitServer(this.#config, {
      policy: this.policy,
      clock: systemClock,
      log: silentLogger,
      failpoint: noFailpoint,
    });
  }

  async #listen(): Promise<void> {
    this.address = await this.#server.listen();
    await writeFile(
      join(this.dir, 'known_hosts'),
      `[127.0.0.1]:${String(this.address.port)} ${this.address.publicKey}\n`,
    );
  }

  get reposDir(): string {
    return this.#config.reposDir;
  }

  async restart(): Promise<void> {
    await this.#server.close();
    this.#server = this.#create();
    await this.#listen();
  }

  async stop(): Promise<void> {
    await this.#server.close();
    await rm(this.dir, { recursive: true, force: true });
  }

  /** A key pair on disk. `user` registers it with the policy. */
  async key(name: string, user?: string): Promise<TestKey> {
    const pair = sshKeyPair();
    const path = join(this.dir, `key-${name}`);
    await writeFile(path, pair.private, { mode: 0o600 });
    const blob = Buffer.from(pair.public.split(' ')[1] ?? '', 'base64');
    const fingerprint = keyFingerprint(blob);
    if (user !== undefined)
      this.policy.users.set(fingerprint, { userId: `user${user}0000` as UserId, name: user as UserName });
    return { path, privateKey: pair.private, fingerprint };
  }

  sshArgs(...keys: readonly TestKey[]): string[] {
    const identities = keys.flatMap((key) => ['-i', key.path]);
    const options = [
      'IdentitiesOnly=yes',
      `UserKnownHostsFile=${join(this.dir, 'known_hosts')}`,
      'StrictHostKeyChecking=yes',
      'BatchMode=yes',
    ];
    return [
      '-F',
      'none',
      '-p',
      String(this.address.port),
      ...options.flatMap((option) => ['-o', option]),
      ...identities,
    ];
  }

  env(...keys: readonly TestKey[]): Record<string, string> {
    return {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: this.dir,
      LANG: 'C.UTF-8',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: join(this.dir, 'gitconfig'),
      GIT_SSH_COMMAND: ['ssh', ...this.sshArgs(...keys)].join(' '),
      GIT_TERMINAL_PROMPT: '0',
    };
  }

  url(app: string): string {
    return `ssh://git@127.0.0.1:${String(this.address.port)}/${app}.git`;
  }

  git(key: TestKey, cwd: string, args: readonly string[]): Promise<CommandResult> {
    return run({ file: 'git', args, cwd, env: this.env(key), timeoutMs: 240_000 });
  }

  ssh(keys: readonly TestKey[], before: readonly string[], after: readonly string[]): Promise<CommandResult> {
    return run({
      file: 'ssh',
      args: [...before, ...this.sshArgs(...keys), 'git@127.0.0.1', ...after],
      env: this.env(),
      stdin: '',
      timeoutMs: 240_000,
    });
  }

  /** A work tree with one commit and the remote `slipway`. */
  async workTree(name: string, app: string): Promise<WorkTree> {
    const dir = join(this.dir, name);
    const env = this.env();
    await must(run({ file: 'git', args: ['init', '--quiet', dir], env }));
    await must(run({ file: 'git', args: ['remote', 'add', 'slipway', this.url(app)], cwd: dir, env }));
    const tree = new WorkTree(dir, this);
    await tree.commit('index.js', 'console.log(1)\n');
    return tree;
  }
}

async function must(result: Promise<CommandResult>): Promise<CommandResult> {
  const done = await result;
  if (done.code !== 0) throw new Error(`exit ${String(done.code)}: ${done.stderr}`);
  return done;
}

export class WorkTree {
  readonly dir: string;
  readonly #fixture: PushFixture;

  constructor(dir: string, fixture: PushFixture) {
    this.dir = dir;
    this.#fixture = fixture;
  }

  get gitDir(): string {
    return join(this.dir, '.git');
  }

  /** Local git command that must work; returns its trimmed output. */
  async git(...args: readonly string[]): Promise<string> {
    const { stdout } = await must(run({ file: 'git', args, cwd: this.dir, env: this.#fixture.env() }));
    return stdout.trim();
  }

  async commit(file: string, content: string | Uint8Array): Promise<string> {
    await writeFile(join(this.dir, file), content);
    await this.git('add', '-A');
    await this.git('commit', '--quiet', '-m', `Change ${file}`);
    return this.git('rev-parse', 'HEAD');
  }

  push(key: TestKey, ...args: readonly string[]): Promise<CommandResult> {
    return this.#fixture.git(key, this.dir, ['push', ...(args.length === 0 ? ['slipway', 'main'] : args)]);
  }
}
