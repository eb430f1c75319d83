import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RefillLater } from '../../../../agent/sandbox/refill-later.ts';
import { DEFAULT_BUILD_LIMITS, DEFAULT_LIMITS } from '../../../../shared/domain/assignment.ts';
import { VirtualClock } from '../../../scenario/world/virtual-clock.ts';

function lab(): { clock: VirtualClock; later: RefillLater; filled: string[] } {
  const clock = new VirtualClock();
  const filled: string[] = [];
  const fill = (what: string): Promise<void> => {
    filled.push(`${String(clock.monotonicMs())} ${what}`);
    return Promise.resolve();
  };
  const disks = { refill: ({ diskBytes }: { diskBytes: number }) => fill(`disks ${String(diskBytes)}`) };
  return { clock, filled, later: new RefillLater({ clock, disks, namespaces: { refill: () => fill('networks') } }) };
}

const [APP, BUILD] = [DEFAULT_LIMITS.diskBytes, DEFAULT_BUILD_LIMITS.diskBytes].map(
  (bytes) => `disks ${String(bytes)}`,
);

describe('the pools of a node', () => {
  it('are filled when no sandbox was prepared for a while, with the sizes that were used', async () => {
    const { clock, later, filled } = lab();
    later.note(DEFAULT_BUILD_LIMITS);
    await clock.advance(1000);
    later.note(DEFAULT_LIMITS);
    later.note(DEFAULT_LIMITS);
    await clock.advance(1400);
    assert.deepEqual(filled, []);
    await clock.advance(1000);
    assert.deepEqual(filled, [`2500 ${String(BUILD)}`, `2500 ${String(APP)}`, '2500 networks']);
    later.note(DEFAULT_LIMITS);
    await clock.advance(2000);
    assert.deepEqual(filled.slice(3), [`4900 ${String(APP)}`, '4900 networks']);
  });

  it('get only the sizes that were used last', async () => {
    const { clock, later, filled } = lab();
    for (const diskBytes of [1, 2, 3, 4, 2]) later.note({ ...DEFAULT_LIMITS, diskBytes });
    await clock.advance(2000);
    assert.deepEqual(filled, ['1500 disks 3', '1500 disks 4', '1500 disks 2', '1500 networks']);
  });

  it('are filled on a node whose sandboxes start without a pause, too', async () => {
    const { clock, later, filled } = lab();
    for (let second = 0; second < 6; second += 1) {
      later.note(DEFAULT_LIMITS);
      await clock.advance(1000);
    }
    assert.deepEqual(filled, [`5000 ${String(APP)}`, '5000 networks']);
  });

  it('stay as they are when the driver is removed', async () => {
    const { clock, later, filled } = lab();
    later.note(DEFAULT_LIMITS);
    later.stop();
    later.note(DEFAULT_LIMITS);
    await clock.advance(10_000);
    assert.deepEqual(filled, []);
  });
});
