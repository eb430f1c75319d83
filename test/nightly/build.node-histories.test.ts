import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { curiousToolchain, NodeBuilds } from '../support/node-builds/builds.ts';
import { checkHistories, MANAGER_NAMES } from '../support/node-builds/check-histories.ts';

const HISTORIES = Number(process.env['SLIPWAY_HISTORIES'] ?? 200);
/** A test has a time limit. */
const PER_TEST = 5;

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
    for (let first = 0; first < HISTORIES; first += PER_TEST) {
      it(`equals a clean build after histories ${first} to ${first + PER_TEST - 1} of ${manager}`, async () => {
        await checkHistories(builds, manager, { first, histories: PER_TEST, length: 3 });
      });
    }
  }
});
