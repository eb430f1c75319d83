import assert from 'node:assert/strict';
import { it } from 'node:test';
import { switchReportOf } from '../../../../controller/release/switch-report.ts';
import type { AppId } from '../../../../shared/domain/ids.ts';
import { sumFigures } from '../../../../shared/domain/switch-figures.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';

const KEY = { appId: 'app' as AppId, release: 2 };

it('reads the figures of a deploy, and has none when they cannot be read', async () => {
  const report = sumFigures([], { isFinal: true, uncounted: [] });
  const errors: unknown[] = [];
  const log = { ...silentLogger, error: (...args: unknown[]) => void errors.push(args) };
  assert.equal(await switchReportOf({ store: { switchReport: () => Promise.resolve(report) }, log }, KEY), report);
  assert.deepEqual(errors, []);
  const broken = { switchReport: () => Promise.reject(new Error('not a report')) };
  assert.equal(await switchReportOf({ store: broken, log }, KEY), undefined);
  assert.equal(errors.length, 1);
});
