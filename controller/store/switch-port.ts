import type { NodeId } from '../../shared/domain/ids.ts';
import type { SwitchKey, SwitchReport } from '../../shared/domain/switch-figures.ts';

/** A switch whose requests are counted. */
export interface CountingSwitch extends SwitchKey {
  /** The nodes that counted before the first change. */
  readonly begun: readonly NodeId[];
}

/** Part of the store: the figures of each deploy. */
export interface SwitchStore {
  /** Records that these nodes count. */
  beginSwitch(begun: CountingSwitch): Promise<void>;
  /** Replaces the report, until the count has ended. */
  setSwitchReport(key: SwitchKey, report: SwitchReport): Promise<void>;
  /** Undefined: nobody counted, or nothing is known yet. */
  switchReport(key: SwitchKey): Promise<SwitchReport | undefined>;
  /** The report does not change any more. */
  endSwitch(key: SwitchKey): Promise<void>;
  /** The switches whose count has not ended. */
  countingSwitches(): Promise<readonly CountingSwitch[]>;
}
