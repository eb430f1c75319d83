import type { Reason } from './instance.ts';

/** One node of an upgrade of the fleet. */
export interface UpgradeNodeBody {
  readonly name: string;
  /** 1: the first one; 0 when it is skipped. */
  readonly wave: number;
  readonly state: 'waiting' | 'upgrading' | 'done' | 'failed' | 'skipped';
  readonly reason?: Reason | undefined;
}

/** The upgrade under way, or the last one in this life of the controller. */
export interface UpgradeBody {
  readonly state: 'none' | 'running' | 'done' | 'failed';
  readonly version: string;
  readonly nodes: readonly UpgradeNodeBody[];
}
