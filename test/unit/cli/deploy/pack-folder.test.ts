import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { packFolder } from '../../../../cli/deploy/pack-folder.ts';
import { DEFAULT_ENV, run, runOk, type Run } from '../../../../shared/kit/exec.ts';

const noGit: Run = () => Promise.reject(new Error('git is not installed'));

describe('a folder that is deployed', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-pack-'));
    const files = {
      'a.js': 'a',
      'lib/b.js': 'b',
      '.gitignore': '*.log\nlib/.cache/\n',
      'x.log': 'x',
      'lib/.cache/y': 'y',
    };
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), content);
    }
    await symlink('../a.js', join(folder, 'lib/link'));
  });
  after(() => rm(folder, { recursive: true }));

  const names = async (runner: Run = run): Promise<string> => {
    const { body, files } = await packFolder({ cwd: folder, run: runner, env: {} }, '.');
    const tar = body.pipe(createGunzip()).pipe(extract());
    const found: string[] = [];
    for await (const entry of tar) {
      found.push(entry.header.name);
      entry.resume();
    }
    assert.equal(files, found.length);
    return found.sort().join(' ');
  };

  it('has the files that .gitignore does not name, also outside of a git repository', async () => {
    assert.equal(await names(), '.gitignore a.js lib/b.js lib/link');
  });

  it('has new and changed files of a git repository, no deleted ones, and nothing of .git', async () => {
    const git = (...args: string[]): Promise<unknown> =>
      runOk(run, { file: 'git', args, cwd: folder, env: { ...DEFAULT_ENV, HOME: folder } });
    await git('init', '--quiet');
    await writeFile(join(folder, 'gone'), '');
    await git('add', '--force', 'gone', 'x.log');
    await rm(join(folder, 'gone'));
    assert.equal(await names(), '.gitignore a.js lib/b.js lib/link x.log');
  });

  it('has every file when this machine has no git', async () => {
    assert.equal(await names(noGit), '.gitignore a.js lib/.cache/y lib/b.js lib/link x.log');
  });

  it('is refused when it does not exist or has no file', async () => {
    const empty = join(folder, 'empty');
    await mkdir(empty);
    await assert.rejects(packFolder({ cwd: folder, run, env: {} }, 'missing'), /There is no folder/);
    await assert.rejects(packFolder({ cwd: empty, run: noGit, env: {} }, '.'), /has no file to deploy/);
  });
});
