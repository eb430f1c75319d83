import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  archiveCommand,
  GIT_ENV,
  gitCommand,
  serviceCommand,
  updateRefArgs,
} from '../../../../../controller/push/git/git.argv.ts';

const OPTIONS = { repositoryDir: '/r/a.git', hooksDir: '/hooks', maxPackBytes: 1000 };

test('git gets an exact environment without variables of the controller', () => {
  assert.deepEqual(GIT_ENV, {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: '/nonexistent',
    LANG: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
  });
  assert.deepEqual(serviceCommand({ ...OPTIONS, service: 'upload-pack', protocol: 'version=2' }).env, {
    ...GIT_ENV,
    GIT_PROTOCOL: 'version=2',
  });
});

test('receive-pack checks objects, limits the pack, and asks our hook about every ref', () => {
  const { args } = serviceCommand({ ...OPTIONS, service: 'receive-pack' });
  for (const setting of [
    'receive.fsckObjects=true',
    'receive.maxInputSize=1000',
    'receive.procReceiveRefs=refs',
    'core.hooksPath=/hooks',
    'core.fsync=all',
  ]) {
    assert.equal(args[args.indexOf(setting) - 1], '-c', setting);
  }
  assert.deepEqual(args.slice(-2), ['receive-pack', '/r/a.git']);
});

test('receive-pack tells the commits of hidden refs only when it is asked to', () => {
  const commandOf = (args: readonly string[]): string | undefined =>
    args.findLast((arg) => arg.startsWith('core.alternateRefsCommand='));
  const usual = serviceCommand({ ...OPTIONS, service: 'receive-pack' });
  assert.deepEqual([usual.env, commandOf(usual.args)], [GIT_ENV, 'core.alternateRefsCommand=true']);
  const telling = serviceCommand({ ...OPTIONS, service: 'receive-pack', hiddenCommitsDir: '/r/a:b.git/h/objects' });
  assert.deepEqual(telling.env, { ...GIT_ENV, GIT_ALTERNATE_OBJECT_DIRECTORIES: '"/r/a:b.git/h/objects"' });
  assert.match(commandOf(telling.args) ?? '', /for-each-ref .* refs\/slipway; :$/);
});

test('commands inside a repository run no hooks, and ref names come after --', () => {
  assert.ok(gitCommand('/r/a.git', ['x']).args.includes('core.hooksPath=/dev/null'));
  assert.deepEqual(updateRefArgs('-x', 'n', 'o'), ['update-ref', '--no-deref', '-m', 'release', '--', '-x', 'n', 'o']);
});

test('git commands for clients have limits of memory and processor time, and no other change', () => {
  for (const service of ['receive-pack', 'upload-pack'] as const) {
    const { file, args } = serviceCommand({ ...OPTIONS, service });
    assert.equal(file, 'prlimit');
    assert.deepEqual(args.slice(0, 4), ['--data=536870912', '--cpu=900', '--', 'git']);
  }
  assert.equal(archiveCommand('/r/a.git', 'c').file, 'prlimit');
});
