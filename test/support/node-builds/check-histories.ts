import assert from 'node:assert/strict';
import { Random } from '../random.ts';
import type { NodeBuilds } from './builds.ts';
import { randomHistory, type ManagerName } from './histories.ts';

export const MANAGER_NAMES: readonly ManagerName[] = ['npm', 'yarn 1', 'yarn 4', 'pnpm'];

const SEED = 19;

/** Each build on top of its history equals the same build without one. @returns how many builds reused an install */
export async function checkHistories(
  builds: NodeBuilds,
  manager: ManagerName,
  size: { first?: number; histories: number; length: number },
): Promise<number> {
  let reused = 0;
  const first = size.first ?? 0;
  for (let history = first; history < first + size.histories; history++) {
    await builds.forget();
    for (const [index, build] of randomHistory(manager, new Random(SEED * 1000 + history), size.length).entries()) {
      const warm = await builds.next(build);
      const clean = await builds.clean(build);
      if (warm.output.includes('Node modules unchanged')) reused++;
      assert.deepEqual(warm.tree, clean.tree, `history ${history}, build ${index}: ${JSON.stringify(build)}\n${warm.output}`);
    }
  }
  return reused;
}
