import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { curiousToolchain, NodeBuilds } from '../support/node-builds/builds.ts';
import { checkHistories, MANAGER_NAMES } from '../support/node-builds/check-histories.ts';

/** The nightly ring takes more. */
const SIZE = { first: 1, histories: 1, length: 4 };

describe('a second build of a Node app', () => {
  let dir: string;
  let builds: NodeBuilds;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'slipway-node-histories-'));
    builds = await NodeBuilds.open(await curiousToolchain(dir));
  });
  after(async () => {
    await builds.close();
    await rm(dir, { recursive: true, force: true });
  });

  for (const manager of MANAGER_NAMES) {
    it(`equals a clean build, file for file, whatever ${manager} and install scripts read`, async (context) => {
      const reused = await checkHistories(builds, manager, SIZE);
      context.diagnostic(`${reused} builds reused an install`);
    });
  }
});
