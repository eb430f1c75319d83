import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Header } from 'tar-stream';
import { layerEntry } from '../../../../../agent/build/layers/slug-entry.ts';
import { SlipwayError } from '../../../../../shared/kit/errors.ts';

const header = (name: string, more: Partial<Header> = {}): Header => {
  const owner = { uid: 7, gid: 7, uname: 'u', gname: 'g', devmajor: 0, devminor: 0 };
  return { name, size: 0, mode: 0o4755, mtime: new Date(0), type: 'file', linkname: '', ...owner, ...more };
};

describe('an entry of a slug archive', () => {
  it('loses ./app, its owner and its special bits', () => {
    const entry = layerEntry(header('./app/bin/run', { size: 3 }));
    assert.deepEqual(entry, {
      name: 'bin/run',
      type: 'file',
      size: 3,
      mode: 0o755,
      uid: 0,
      gid: 0,
      mtime: new Date(0),
    });
  });

  it('is skipped when it is /app itself or a parent of it', () => {
    for (const name of ['./', './app', 'app/', './app/.'])
      assert.equal(layerEntry(header(name, { type: 'directory' })), undefined);
  });

  it('never keeps a path that points outside', () => {
    const part = fc.constantFrom('..', '.', '', 'app', 'a', '/', '…');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        try {
          const name = layerEntry(header(parts.join('/')))?.name ?? 'x';
          assert.ok(!name.startsWith('/') && !name.split('/').some((each) => ['', '.', '..'].includes(each)), name);
        } catch (error) {
          assert.ok(error instanceof SlipwayError && error.code === 'SLIP_SLUG_TAR');
        }
      }),
    );
  });
});
