import type { SwitchKey, SwitchReport } from '../../shared/domain/switch-figures.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Store } from '../store/port.ts';

/** The figures of a deploy. Undefined when nobody counted, or when they cannot be read: a deploy never fails because of its figures. */
export async function switchReportOf(
  { store, log }: { readonly store: Pick<Store, 'switchReport'>; readonly log: Logger },
  key: SwitchKey,
): Promise<SwitchReport | undefined> {
  try {
    return await store.switchReport(key);
  } catch (error) {
    log.error({ ...key, err: error }, 'switches.not_read');
    return undefined;
  }
}
