import { after, before, describe, it } from 'node:test';
import type { Build } from '../support/histories/builds.ts';
import { MANAGERS, openHistories, sizeOf, type Histories, type Manager } from '../support/histories/open-histories.ts';

type Row = readonly [string, readonly Partial<Build>[]];

const manifest = (fields: object): string => JSON.stringify({ name: 'app', dependencies: { a: '1' }, ...fields });
const YARN_APP = { 'package.json': manifest({ packageManager: 'yarn@4.9.2' }), 'yarn.lock': 'lock' };
const PIP_APP = { 'requirements.txt': '-r base.txt\n', 'base.txt': 'greet==1.0\n' };

/** Each was a difference once: some build of the row did not equal a clean build. */
const ROWS: Partial<Record<Manager, readonly Row[]>> = {
  npm: [
    [
      'an install script wrote outside node_modules, and its product was taken from the cache once',
      [1, 2, 3].map((version) => ({
        source: {
          'package.json': manifest({ writes: 'generated/by-install.txt' }),
          'package-lock.json': 'lock',
          'server.js': `${version}`,
        },
      })),
    ],
  ],
  'yarn 1': [
    [
      'an archive was replaced, and there is no lockfile',
      ['one', 'two'].map((archive) => ({
        source: { 'package.json': manifest({ dependencies: { a: 'file:vendor/a.tgz' } }), 'vendor/a.tgz': archive },
      })),
    ],
  ],
  'yarn 4': [
    [
      'an earlier buildpack changed the version of the tool',
      [
        { source: YARN_APP },
        { source: YARN_APP, early: { 'package.json': manifest({ packageManager: 'yarn@4.9.1' }) } },
        { source: YARN_APP },
      ],
    ],
  ],
  pip: [
    [
      'an earlier buildpack changed the requirements',
      [{ source: PIP_APP }, { source: PIP_APP, early: { 'base.txt': 'greet==1.1\n' } }, { source: PIP_APP }],
    ],
  ],
};

/** The nightly ring takes 200. Pip starts slowly. */
const HISTORIES: Readonly<Record<Manager, number>> = { npm: 1, 'yarn 1': 1, 'yarn 4': 1, pnpm: 1, pip: 0 };

for (const manager of MANAGERS) {
  describe(`a second build of an app that uses ${manager} equals a clean build, file for file,`, () => {
    let histories: Histories;
    before(async () => (histories = await openHistories(manager)));
    after(() => histories.close());

    for (let first = 0; first < HISTORIES[manager]; first++) {
      it(`after the random history ${first} (the nightly ring takes more)`, async () => {
        await histories.check({ ...sizeOf(1), first });
      });
    }

    for (const [what, builds] of ROWS[manager] ?? []) {
      it(`when ${what}`, async () => {
        await histories.checkRow(builds.map((build) => ({ source: {}, config: {}, ...build })));
      });
    }
  });
}
