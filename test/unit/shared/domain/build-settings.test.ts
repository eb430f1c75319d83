import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  editBuildpacks,
  parseBuildRoot,
  withoutCredentials,
  type BuildpackEdit,
} from '../../../../shared/domain/build-settings.ts';

describe('the root of a build', () => {
  it('is a folder of the repository, however it is written', () => {
    for (const [text, root] of [
      ['api', 'api'],
      ['./services/api/', 'services/api'],
      ['services//api', 'services/api'],
      ['with space/grüße', 'with space/grüße'],
      ['..api/x..', '..api/x..'],
    ] as const)
      assert.equal(parseBuildRoot(text), root);
  });

  it('is never outside of it, and never malformed', () => {
    for (const text of [
      '',
      '.',
      './',
      '/',
      '/etc',
      '..',
      '../x',
      'a/../b',
      'a/..',
      'a\0b',
      'a\nb',
      'a\\b',
      '.git',
      'a/.git/hooks',
      'a'.repeat(256),
    ])
      assert.throws(() => parseBuildRoot(text), { code: 'SLIP_BUILD_ROOT' }, JSON.stringify(text));
  });

  it('has only plain names for any input', () => {
    const part = fc.oneof(fc.constantFrom('.', '..', '', '/', 'a', '.git'), fc.string({ maxLength: 5 }));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        let root;
        try {
          root = parseBuildRoot(parts.join('/'));
        } catch {
          return;
        }
        assert.ok(root.split('/').every((name) => !['', '.', '..', '.git'].includes(name)));
        assert.equal(parseBuildRoot(root), root);
      }),
      { seed: 7, numRuns: 500 },
    );
  });
});

describe('the list of buildpacks', () => {
  const edits: readonly [string, readonly string[], BuildpackEdit, readonly string[]][] = [
    ['set fills an empty list', [], { op: 'set', name: 'heroku/nodejs' }, ['heroku/nodejs']],
    ['set replaces the first', ['a/a', 'b/b'], { op: 'set', name: 'c/c' }, ['c/c', 'b/b']],
    ['set replaces the one at its place', ['a/a', 'b/b'], { op: 'set', name: 'c/c', index: 2 }, ['a/a', 'c/c']],
    ['set may name the place after the last', ['a/a'], { op: 'set', name: 'c/c', index: 2 }, ['a/a', 'c/c']],
    ['set may say again what is there', ['a/a'], { op: 'set', name: 'a/a' }, ['a/a']],
    ['add appends', ['a/a'], { op: 'add', name: 'b/b' }, ['a/a', 'b/b']],
    ['add inserts at its place', ['a/a'], { op: 'add', name: './own', index: 1 }, ['./own', 'a/a']],
    ['remove takes a name', ['a/a', 'b/b'], { op: 'remove', name: 'a/a' }, ['b/b']],
    [
      'remove takes a URL without its credentials',
      ['https://u:s@x.test/b.git'],
      { op: 'remove', name: 'https://x.test/b.git' },
      [],
    ],
    ['remove takes a place', ['a/a', 'b/b'], { op: 'remove', index: 2 }, ['a/a']],
    ['clear removes all', ['a/a', 'b/b'], { op: 'clear' }, []],
  ];
  for (const [name, now, edit, after] of edits) it(name, () => assert.deepEqual(editBuildpacks(now, edit), after));

  it('refuses what it cannot do', () => {
    const refused: readonly [readonly string[], BuildpackEdit, string][] = [
      [['a/a'], { op: 'add', name: 'a/a' }, 'SLIP_BUILDPACK_EXISTS'],
      [['a/a', 'b/b'], { op: 'set', name: 'b/b' }, 'SLIP_BUILDPACK_EXISTS'],
      [['a/a'], { op: 'add', name: 'b/b', index: 3 }, 'SLIP_BUILDPACK_INDEX'],
      [['a/a'], { op: 'set', name: 'b/b', index: 0 }, 'SLIP_BUILDPACK_INDEX'],
      [[], { op: 'remove', index: 1 }, 'SLIP_BUILDPACK_INDEX'],
      [['a/a'], { op: 'remove', name: 'b/b' }, 'SLIP_BUILDPACK_ABSENT'],
      [Array.from({ length: 20 }, (_, at) => `a/${String(at)}`), { op: 'add', name: 'b/b' }, 'SLIP_BUILDPACK_LIMIT'],
    ];
    for (const [now, edit, code] of refused)
      assert.throws(() => editBuildpacks(now, edit), { code }, JSON.stringify(edit));
  });

  it('takes every form that a build understands, and no other', () => {
    const good = [
      'nodejs',
      'heroku/nodejs',
      'urn:buildpack:heroku/ruby',
      'https://x.example/b.git#v1',
      'git@x.example:a/b.git',
      './bp',
      '/srv/bp',
    ];
    for (const name of good) assert.deepEqual(editBuildpacks([], { op: 'add', name }), [name]);
    for (const name of [
      '',
      '-x',
      'a b',
      'https://x.example/a b',
      'a\nb',
      'a/b/c',
      'file:///etc',
      'https://u:p/w@host/x',
      'https://u:p#w@host/x',
      `https://${'x'.repeat(1000)}`,
    ])
      assert.throws(
        () => editBuildpacks([], { op: 'add', name }),
        { code: 'SLIP_BUILDPACK_NAME' },
        JSON.stringify(name),
      );
  });

  it('never shows a password', () => {
    for (const [url, shown] of [
      ['https://u:secret@x.example/b.git', 'https://x.example/b.git'],
      ['https://u:secret@secret@x.example/b.git', 'https://x.example/b.git'],
      ['HTTPS://u:secret@x.example/b.git', 'HTTPS://x.example/b.git'],
      ['git+ssh2://u:secret@x.example/b.git', 'git+ssh2://x.example/b.git'],
      ['https://u:sec/ret@x.example/b.git', 'https://x.example/b.git'],
      ['https://u:sec?ret#@x.example/b.git', 'https://x.example/b.git'],
      ['https://u:sec\nret@x.example/b.git', 'https://x.example/b.git'],
      ['https://x.example/@scope/b.git', 'https://x.example/@scope/b.git'],
      ['https://x.example:8443/a@b', 'https://x.example:8443/a@b'],
      ['git@x.example:b.git', 'git@x.example:b.git'],
      ['heroku/nodejs', 'heroku/nodejs'],
    ] as const)
      assert.equal(withoutCredentials(url), shown, url);
    assert.throws(
      () =>
        editBuildpacks(['https://u:secret@x.example/b.git'], { op: 'add', name: 'https://u:secret@x.example/b.git' }),
      (error: Error) => !error.message.includes('secret'),
    );
  });
});
