import type { NodeId } from '../../shared/domain/ids.ts';
import type { SwitchKey, SwitchReport } from '../../shared/domain/switch-figures.ts';

/** A switch whose figures are not final. */
export interface CountingSwitch extends SwitchKey {
  /** The nodes that counted before the first change. */
  readonly begun: readonly NodeId[];
}

/** Part of the store: the figures of each deploy. */
export interface SwitchStore {
  /** Records that these nodes count. */
  beginSwitch(begun: CountingSwitch): Promise<void>;
  /** Replaces the report, until one is final. */
  setSwitchReport(key: SwitchKey, report: SwitchReport): Promise<void>;
  /** Undefined: nobody counted, or nothing is known yet. */
  switchReport(key: SwitchKey): Promise<SwitchReport | undefined>;
  /** The switches whose figures are not final. */
  countingSwitches(): Promise<readonly CountingSwitch[]>;
}
