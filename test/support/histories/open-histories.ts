import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Builds, type Build } from './builds.ts';
import { checkHistories, checkHistory, historiesOf, type Checked, type HistorySize } from './check.ts';
import { curiousToolchain } from './curious-toolchain.ts';
import { countKinds, type Game } from './history.ts';
import { NODE_MANAGERS, nodeGame } from './node.ts';
import { openPipHistories, pipGame } from './pip.ts';

export const MANAGERS = [...NODE_MANAGERS, 'pip'] as const;
export type Manager = (typeof MANAGERS)[number];

/** The histories of the nightly ring are always the same ones. */
export function sizeOf(histories: number): HistorySize {
  return { histories, lengths: [2, 3] };
}

export interface Histories {
  readonly builds: Builds;
  check(size: HistorySize): Promise<Checked>;
  /** The last build of these equals a clean build. */
  checkRow(history: readonly Build[]): Promise<Checked>;
  close(): Promise<void>;
}

export async function openHistories(manager: Manager): Promise<Histories> {
  if (manager === 'pip') {
    const { builds, game, close } = await openPipHistories();
    return { ...checksOf(builds, game), close };
  }
  const dir = await mkdtemp(join(tmpdir(), 'slipway-toolchain-'));
  const builds = await Builds.open({ buildpack: 'nodejs', env: { SLIPWAY_NODE_DIR: await curiousToolchain(dir) } });
  return {
    ...checksOf(builds, nodeGame(manager)),
    close: async () => {
      await builds.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function checksOf<P>(builds: Builds, game: Game<P, Build>): Omit<Histories, 'close'> {
  return {
    builds,
    check: (size) => checkHistories(builds, game, size),
    checkRow: (history) => checkHistory(builds, history, 'row'),
  };
}

/** How often each kind of change occurs in the histories of the nightly ring. */
export function changesOf(manager: Manager, size: HistorySize): ReadonlyMap<string, number> {
  if (manager === 'pip') {
    const game = pipGame(new Map());
    return countKinds(game, historiesOf(game, size));
  }
  const game = nodeGame(manager);
  return countKinds(game, historiesOf(game, size));
}
