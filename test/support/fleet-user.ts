import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { get } from 'node:http';
import { dirname, join } from 'node:path';
import { run, runOk, start, type CommandResult } from '../../shared/kit/exec.ts';
import { eventually } from './eventually.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** The actions of users: keys, git, curl. */
export class Site {
  readonly #dir: string;
  readonly #ports: { readonly ssh: number; readonly web: number };

  constructor(dir: string, ports: { readonly ssh: number; readonly web: number }) {
    this.#dir = dir;
    this.#ports = ports;
  }

  async makeKey(name: string): Promise<string> {
    const path = join(this.#dir, `key-${name}`);
    await runOk(run, { file: 'ssh-keygen', args: ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path] });
    return path;
  }

  user(name: string): User {
    return new User({
      key: join(this.#dir, `key-${name}`),
      home: join(this.#dir, `home-${name}`),
      sshPort: this.#ports.ssh,
    });
  }

  /** One request through the proxy, on a new connection. */
  get(app: string, path = '/'): Promise<Answer> {
    return this.getHost(`${app}.localhost`, path);
  }

  getHost(host: string, path = '/'): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port: this.#ports.web,
        path,
        headers: { host },
        agent: false,
        timeout: 120_000,
      };
      const outgoing = get(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
        );
        response.on('error', reject);
      });
      outgoing.on('error', reject);
      outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 120 s')));
    });
  }
}

interface UserFacts {
  readonly key: string;
  readonly home: string;
  readonly sshPort: number;
  /** The log level of ssh. ERROR keeps its notes out of the output of git. */
  readonly logLevel?: 'ERROR' | 'INFO';
}

/** A person with a key and working copies. */
export class User {
  readonly #facts: UserFacts;

  constructor(facts: UserFacts) {
    this.#facts = facts;
  }

  /** The same person, with an ssh that shows the banners of servers. */
  hearing(): User {
    return new User({ ...this.#facts, logLevel: 'INFO' });
  }

  /** A new repository with these files, committed on main. */
  async repository(name: string, files: Readonly<Record<string, string>>): Promise<Repository> {
    const dir = join(this.#facts.home, name);
    await mkdir(dir, { recursive: true });
    const repository = new Repository(dir, this.#env(), `ssh://git@127.0.0.1:${String(this.#facts.sshPort)}`);
    await repository.git('init', '-q', '-b', 'main');
    await repository.commit(files);
    return repository;
  }

  #env(): Record<string, string> {
    const ssh = [
      'ssh',
      '-i',
      this.#facts.key,
      '-o',
      'IdentitiesOnly=yes',
      '-o',
      'StrictHostKeyChecking=no',
      '-o',
      'UserKnownHostsFile=/dev/null',
      '-o',
      `LogLevel=${this.#facts.logLevel ?? 'ERROR'}`,
    ];
    return {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: this.#facts.home,
      GIT_SSH_COMMAND: ssh.join(' '),
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'Test',
      GIT_AUTHOR_EMAIL: 'test@localhost',
      GIT_COMMITTER_NAME: 'Test',
      GIT_COMMITTER_EMAIL: 'test@localhost',
    };
  }
}

export interface PushResult {
  readonly ok: boolean;
  /** The output. */
  readonly text: string;
}

/** A running push, as in a terminal. */
export interface RunningPush {
  readonly result: Promise<PushResult>;
  /** Resolves when the output matches. */
  saw(pattern: RegExp): Promise<void>;
  /** Ctrl-C: the terminal sends the signal to git and ssh. */
  interrupt(): void;
}

export class Repository {
  readonly dir: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #url: string;

  constructor(dir: string, env: Readonly<Record<string, string>>, url: string) {
    this.dir = dir;
    this.#env = env;
    this.#url = url;
  }

  git(...args: string[]): Promise<CommandResult> {
    return runOk(run, { file: 'git', args, cwd: this.dir, env: this.#env });
  }

  /** Writes files (and makes them executable when they start with `#!`) and commits. */
  async commit(files: Readonly<Record<string, string>>, message = 'Change'): Promise<string> {
    for (const [path, content] of Object.entries(files)) {
      const full = join(this.dir, path);
      await mkdir(dirname(full), { recursive: true });
      await writeFile(full, content, { mode: content.startsWith('#!') ? 0o755 : 0o644 });
    }
    await this.git('add', '-A');
    await this.git('commit', '-q', '--allow-empty', '-m', message);
    return (await this.git('rev-parse', 'HEAD')).stdout.trim();
  }

  async edit(path: string, change: (text: string) => string): Promise<string> {
    return this.commit({ [path]: change(await readFile(join(this.dir, path), 'utf8')) });
  }

  push(app: string, ref = 'main'): Promise<PushResult> {
    return this.attempt(['push', this.address(app), ref]);
  }

  startPush(app: string, ref = 'main'): RunningPush {
    const command = { file: 'git', args: ['push', this.address(app), ref], cwd: this.dir, env: this.#env };
    const child = start(command, ['ignore', 'pipe', 'pipe'], true);
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const result = once(child, 'close').then(([code]) => ({ ok: code === 0, text }));
    return {
      result,
      saw: (pattern) =>
        eventually(`the pusher sees ${String(pattern)}`, () => pattern.test(text)).then(() => undefined),
      interrupt: () => process.kill(-(child.pid ?? 0), 'SIGINT'),
    };
  }

  /** Clones an app into a folder beside the home. */
  clone(app: string): Promise<PushResult> {
    return this.attempt(['clone', '--quiet', this.address(app), `${this.dir}-clone-of-${app}`]);
  }

  /** The address that `git push` takes. */
  address(app: string): string {
    return `${this.#url}/${app}.git`;
  }

  /** A git command that may fail. */
  async attempt(args: readonly string[]): Promise<PushResult> {
    const result = await run({ file: 'git', args, cwd: this.dir, env: this.#env, timeoutMs: 400_000 });
    return { ok: result.code === 0, text: result.stdout + result.stderr };
  }

  /** The commit of a ref on the server; undefined when there is none. */
  async remoteRef(app: string, ref = 'refs/heads/main'): Promise<string | undefined> {
    const { stdout } = await runOk(run, {
      file: 'git',
      args: ['ls-remote', this.address(app), ref],
      cwd: this.dir,
      env: this.#env,
      timeoutMs: 400_000,
    });
    const commit = stdout.split('\t', 1)[0] ?? '';
    return commit === '' ? undefined : commit;
  }
}

/** The smallest app. It answers with its version, its process and a random number of this process. */
export function helloApp(version: string): Record<string, string> {
  const server = `const { createServer } = require('node:http');
const nonce = Math.random().toString(36).slice(2);
createServer((request, response) => response.end(\`version=${version} dyno=\${process.env.DYNO} nonce=\${nonce}\\n\`)).listen(process.env.PORT);
process.on('SIGTERM', () => process.exit(0));
`;
  return {
    'server.js': server,
    'package.json': JSON.stringify({ name: 'hello', version: '1.0.0' }),
    Procfile: 'web: node server.js\n',
  };
}
