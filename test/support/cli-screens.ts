import assert from 'node:assert/strict';
import { plainPaint } from '../../cli/terminal/paint.ts';
import type { AppBody } from '../../shared/api/apps.ts';
import type { NodeBody } from '../../shared/api/nodes.ts';
import type { ReleaseBody } from '../../shared/api/releases.ts';
import type { SwitchReport } from '../../shared/domain/switch-figures.ts';

/** Bodies of the API for tests of the screens of the CLI. */
export const NOW = Date.UTC(2026, 10, 20, 10, 0, 0);
export const MINUTE = 60_000;
export const context = { paint: plainPaint, nowMs: NOW };

export const app: AppBody = {
  name: 'shop',
  owner: 'ada',
  stack: 'host',
  createdAtMs: NOW - 600 * MINUTE,
  webUrl: 'http://shop.localhost:8080',
  gitUrl: 'ssh://slipway@127.0.0.1:2222/shop.git',
};

export const release: ReleaseBody = {
  version: 3,
  state: 'current',
  description: 'Deploy abc1234',
  user: 'ada',
  commit: 'abc1234'.padEnd(40, '0'),
  createdAtMs: NOW - 3 * MINUTE,
};

export const node: NodeBody = {
  name: 'attic',
  state: 'ready',
  connected: true,
  builder: true,
  platform: 'debian-12-x64',
  sandboxDriver: 'lxc',
  agentVersion: '0.1.0+c3e11cb00a2f',
  diskFreeBytes: 48_200_000_000,
  load1: 0.25,
  labels: {},
  joinedAtMs: 0,
  missing: [],
};

/** Compares a screen line by line. */
export function assertScreen(actual: string, lines: readonly string[]): void {
  assert.equal(actual, lines.map((line) => `${line}\n`).join(''));
}

/** Of a switch in which one request failed. */
export const FIGURES: SwitchReport = {
  ...{ state: 'final', requests: 9, failed: 1, codes: { H13: 1 }, openRequests: 0, longestDrainMs: 20 },
  ...{ lostLines: 0, uncounted: [], uncountedNodes: 0 },
};
