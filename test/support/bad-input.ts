import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import type { TestFleet } from './fleet.ts';
import { killProcess } from './kill-process.ts';
import { helloApp, type PushResult, type Repository, type User } from './fleet-user.ts';

type Files = Readonly<Record<string, string>>;

/** An app whose first release serves. Later pushes of bad input must be refused and must change nothing. */
export class ServingApp {
  readonly fleet: TestFleet;
  readonly name: string;
  readonly repository: Repository;
  /** The commit of the live release. */
  readonly commit: string;
  /** The answer of its process, with a random number of this process. */
  body: string;

  private constructor(
    fleet: TestFleet,
    serving: { name: string; repository: Repository; commit: string; body: string },
  ) {
    this.fleet = fleet;
    this.name = serving.name;
    this.repository = serving.repository;
    this.commit = serving.commit;
    this.body = serving.body;
  }

  static async deploy(fleet: TestFleet, name: string, by: User = fleet.me): Promise<ServingApp> {
    const repository = await by.repository(name, helloApp('1'));
    const pushed = await repository.push(name);
    assert.ok(pushed.ok, `${pushed.text}\n${fleet.logs()}`);
    const commit = (await repository.git('rev-parse', 'HEAD')).stdout.trim();
    return new ServingApp(fleet, { name, repository, commit, body: (await fleet.site.get(name)).body });
  }

  /** Resets to the live commit and adds these files. `alone`: only these files. */
  async commitBad(files: Files, how: { alone?: boolean } = {}): Promise<string> {
    await this.repository.git('reset', '-q', '--hard', this.commit);
    if (how.alone === true) await this.repository.git('rm', '-q', '-r', '.');
    return this.repository.commit(files);
  }

  /** Pushes bad input. Asserts that it is refused and that nothing changed. Returns the output. */
  async refused(files: Files, how: { alone?: boolean } = {}): Promise<string> {
    await this.commitBad(files, how);
    const pushed = await this.repository.push(this.name);
    await this.assertUntouched(pushed);
    return pushed.text;
  }

  /** The push was rejected. Ref, release and answer did not change, and the machine has no rest of the push. */
  async assertUntouched(pushed: PushResult): Promise<void> {
    assert.equal(pushed.ok, false, pushed.text);
    assert.ok(!pushed.text.includes(this.fleet.dir), `a path of the server in:\n${pushed.text}`);
    assert.doesNotMatch(ownWords(pushed.text), /\bat .+:\d+:\d+|SLIP_|undefined|\[object/);
    assert.equal(await this.repository.remoteRef(this.name), this.commit);
    assert.equal(
      (await this.fleet.site.get(this.name)).body,
      this.body,
      `the very same process serves\n${this.fleet.logs()}`,
    );
    await nothingLeft(this.fleet);
  }

  /** The same app accepts a good commit again. */
  async recovers(): Promise<void> {
    await this.repository.git('reset', '-q', '--hard', this.commit);
    await this.repository.commit({ 'good.txt': String(process.hrtime.bigint()) });
    const pushed = await this.repository.push(this.name);
    assert.ok(pushed.ok, `${pushed.text}\n${this.fleet.logs()}`);
    await this.goBack();
  }

  /** Deploys the good commit again after another one. */
  async goBack(): Promise<void> {
    await this.repository.git('reset', '-q', '--hard', this.commit);
    const pushed = await this.repository.push(this.name, `+${this.commit}:main`);
    assert.ok(pushed.ok, `${pushed.text}\n${this.fleet.logs()}`);
    // A push returns once its settle time is over, whether or not a slow proxy has let go of the old instance by then.
    const isAlone = async (): Promise<boolean> =>
      ((await this.fleet.api('GET', `/apps/${this.name}/ps`)) as unknown[]).length === 1;
    await eventually('only the new instance is left', isAlone);
    this.body = (await this.fleet.site.get(this.name)).body;
  }
}

/** The error lines of Slipway itself. */
function ownWords(text: string): string {
  return text
    .split('\n')
    .filter((line) => /^remote: +!|rejected/.test(line))
    .join('\n');
}

/** One ` !` line with the cause, and one with the next command. git's own last line repeats the cause. */
export function assertSays(text: string, cause: RegExp, hint: RegExp): void {
  const lines = text.split('\n').map((line) => line.trimEnd());
  const at = lines.findIndex((line) => line.startsWith('remote:  !     ') && cause.test(line));
  assert.ok(at >= 0, `no sentence ${String(cause)} in:\n${text}`);
  const next = lines.slice(at + 1).find((line) => line.startsWith('remote:  !     ') && hint.test(line));
  assert.ok(next !== undefined, `no hint ${String(hint)} after the sentence in:\n${text}`);
  assert.match(lines.find((line) => line.includes('[remote rejected]')) ?? '', cause);
}

/** Resolves when the machine has no sandbox and no incomplete file of a refused push. */
export async function nothingLeft(fleet: TestFleet): Promise<void> {
  let left: string[] = [];
  await eventually('nothing of the push is left', async () => (left = await leftovers(fleet)).length === 0).catch(
    () => {
      assert.fail(`left behind:\n${left.join('\n')}`);
    },
  );
}

async function leftovers(fleet: TestFleet): Promise<string[]> {
  const { agent, controller } = fleet.stateDirs;
  const folders = [`${agent}/tasks`, `${agent}/layers/tmp`, `${agent}/images/partial`, `${controller}/images/incoming`];
  const listed = await Promise.all(folders.map(entries));
  const repos = (await entries(`${controller}/repos`)).filter((path) => !path.endsWith('/filler'));
  const inRepos = await Promise.all(repos.map((path) => gitLeftovers(path)));
  return [...listed.flat(), ...inRepos.flat(), ...(await spareSandboxes(fleet))];
}

async function gitLeftovers(repository: string): Promise<string[]> {
  if (!repository.endsWith('.git')) return [repository];
  const objects = await entries(join(repository, 'objects'));
  const refs = await readdir(join(repository, 'refs'), { recursive: true });
  return [...objects.filter((path) => /tmp_|incoming-/.test(path)), ...refs.filter((name) => name.endsWith('.lock'))];
}

/** Sandboxes of builds, and of instances that are not assigned. */
async function spareSandboxes(fleet: TestFleet): Promise<string[]> {
  const assigned = await readFile(join(fleet.stateDirs.agent, 'desired.json'), 'utf8').catch(() => '');
  const folders = await entries(join(fleet.stateDirs.agent, 'sandbox/sandboxes'));
  return folders.filter((path) => !assigned.includes(`"${path.slice(path.lastIndexOf('/') + 1)}"`));
}

async function entries(folder: string): Promise<string[]> {
  return existsSync(folder) ? (await readdir(folder)).map((name) => join(folder, name)) : [];
}

/** A build waits in `sleep HELD_S` until {@link releaseHeld}. No other test process has this argument. */
export const HELD_S = String(1_000_000 + process.pid);

/** Ends the `sleep HELD_S` of a build, so that its next command runs. */
export async function releaseHeld(): Promise<void> {
  const [pid] = await eventually('the build holds', async () => {
    const pids = await pidsWith(HELD_S);
    return pids.length === 1 ? pids : undefined;
  });
  killProcess(Number(pid));
}

export async function isHeld(): Promise<boolean> {
  return (await heldPids()).length > 0;
}

/** The processes of the machine that wait in `sleep HELD_S`. */
export function heldPids(): Promise<readonly string[]> {
  return pidsWith(HELD_S);
}

/** Processes with this argument. */
async function pidsWith(argument: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.split('\0').includes(argument)) found.push(pid);
  }
  return found;
}

/** An app with a buildpack of its own in the tree. */
export function withBuildpack(compile: string, programs: Files = {}): Record<string, string> {
  return {
    '.buildpacks': './pack\n',
    'pack/bin/detect': '#!/bin/sh\necho Custom\n',
    'pack/bin/compile': `#!/bin/sh\n${compile}\n`,
    ...programs,
  };
}
