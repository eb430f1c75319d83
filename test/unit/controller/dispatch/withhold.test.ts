import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { outgoingState } from '../../../../controller/dispatch/outgoing-state.ts';
import { RELEASE_BYTES_MAX, wholeStateBytes, withholdLargest } from '../../../../controller/dispatch/withhold.ts';
import { CONFIG_BYTES_MAX } from '../../../../shared/domain/config-size.ts';
import type { Assignment, DesiredState } from '../../../../shared/domain/assignment.ts';
import type { HealthCheck } from '../../../../shared/domain/health-check.ts';
import type { AppId, InstanceId } from '../../../../shared/domain/ids.ts';
import type { AppName } from '../../../../shared/domain/names.ts';
import { sealAll } from '../../../../shared/kit/sensitive.ts';
import { encodeControllerMessage } from '../../../../shared/rpc/controller-codec.ts';
import { loadAgentService, MAX_MESSAGE_BYTES } from '../../../../shared/rpc/service.ts';
import { anyAssignment, anyDesiredState } from '../../../support/arbitraries.ts';

const { Session } = loadAgentService().service;
const [sample] = fc.sample(anyAssignment, { numRuns: 1, seed: 7 });

function sentBytes(state: DesiredState, whole = false): number {
  return Session.responseSerialize(encodeControllerMessage({ kind: 'desired', state, whole })).length;
}

function instances(app: string, { count, configBytes }: { count: number; configBytes: number }): Assignment[] {
  const config = sealAll({ BLOB: 'x'.repeat(configBytes - 'BLOB'.length - 2) });
  return Array.from({ length: count }, (_, index) => ({
    ...sample!,
    ...{
      instanceId: `${app}${String(index).padStart(8, '0')}` as InstanceId,
      appId: `app0000${app}` as AppId,
      app: app as AppName,
      config,
    },
    ...{ processType: 'web' as Assignment['processType'], ordinal: index + 1, release: 1, desired: 'run' as const },
  }));
}

function stateOf(...assignments: readonly (readonly Assignment[])[]): DesiredState {
  return {
    epoch: { counter: 1, id: 'life' },
    generation: 1,
    assignments: assignments.flat(),
    routes: [],
    massStopReason: '',
  };
}

const appsOf = (state: DesiredState): string[] => [...new Set(state.assignments.map(({ app }) => app as string))];

describe('the message of a desired state', () => {
  it('has the config of a release once', () => {
    const nine = stateOf(instances('aaaa', { count: 9, configBytes: CONFIG_BYTES_MAX }));
    assert.ok(sentBytes(nine) < CONFIG_BYTES_MAX + 16 * 1024, `${String(sentBytes(nine))} bytes`);
    assert.ok(sentBytes(nine, true) > 9 * CONFIG_BYTES_MAX);
  });

  it('is never larger than planned, in both formats', () => {
    fc.assert(
      fc.property(anyDesiredState, (state) => {
        assert.ok(sentBytes(state, true) <= wholeStateBytes(state));
        const { state: fitting } = withholdLargest(state, MAX_MESSAGE_BYTES);
        assert.deepEqual(fitting, state);
      }),
      { numRuns: 200, seed: 11 },
    );
  });

  it('always fits, and the largest releases are left out', () => {
    const anyApps = fc.array(
      fc.record({ count: fc.integer({ min: 1, max: 5 }), kib: fc.integer({ min: 1, max: 400 }) }),
      {
        minLength: 1,
        maxLength: 20,
      },
    );
    fc.assert(
      fc.property(anyApps, (apps) => {
        const state = stateOf(
          ...apps.map(({ count, kib }, index) =>
            instances(`a${String(index).padStart(3, '0')}`, { count, configBytes: kib * 1024 }),
          ),
        );
        const maxBytes = 1024 * 1024;
        const { state: fitting, reasons } = withholdLargest(state, maxBytes);
        assert.ok(sentBytes(fitting) <= maxBytes);
        assert.equal(fitting.assignments.length + reasons.size, state.assignments.length);
        const largestSent = Math.max(0, ...fitting.assignments.map(({ config }) => config['BLOB']!.reveal().length));
        for (const one of state.assignments)
          if (reasons.has(one.instanceId)) assert.ok(one.config['BLOB']!.reveal().length >= largestSent);
      }),
      { numRuns: 50, seed: 13 },
    );
  });

  it('leaves out a release that is too large for one message', () => {
    const large = instances('bbbb', { count: 2, configBytes: RELEASE_BYTES_MAX });
    const { state, reasons } = withholdLargest(
      stateOf(instances('aaaa', { count: 1, configBytes: 100 }), large),
      MAX_MESSAGE_BYTES,
    );
    assert.deepEqual([appsOf(state), reasons.size], [['aaaa'], 2]);
    assert.deepEqual(
      state.withheld,
      large.map(({ instanceId, desired }) => ({ instanceId, desired })),
    );
    assert.match(
      reasons.get(large[0]!.instanceId)?.message ?? '',
      /^v1 of bbbb is too large for one message to its node: .* take \d+ bytes .* the limit is 262144\.$/,
    );
  });

  it('tells an older agent why instances of destroyed apps end', () => {
    const state = { ...stateOf([]), destroyed: [{ appId: 'appaaaaaaa' as AppId, uidBase: 65_536 }] };
    const reasonFor = (takesDestroyed: boolean): string | undefined =>
      outgoingState(state, { takesReleases: true, takesDestroyed }).message?.state.massStopReason;
    assert.equal(reasonFor(false), '1 apps or more were destroyed');
    assert.equal(reasonFor(true), '');
  });

  it('leaves out the health checks that the agent cannot run', () => {
    const timing = { initialDelayMs: 0, timeoutMs: 5_000, attempts: 3, waitMs: 5_000 };
    const checks: readonly HealthCheck[] = [
      { ...timing, type: 'readiness', probe: 'http', path: '/up', headers: {} },
      { ...timing, type: 'liveness', probe: 'tcp' },
    ];
    const [one] = instances('aaaa', { count: 1, configBytes: 100 });
    const probesFor = (checkProbes: readonly string[] | undefined): readonly string[] | undefined =>
      outgoingState(stateOf([{ ...one!, checks }]), {
        takesReleases: true,
        checkProbes,
      }).message?.state.assignments[0]?.checks?.map(({ probe }) => probe);
    assert.deepEqual(probesFor(['http', 'tcp']), ['http', 'tcp']);
    assert.deepEqual(probesFor(['http']), ['http']);
    assert.equal(probesFor(undefined), undefined);
  });

  it('is complete for an older agent, or is not sent when the agent cannot accept all of it', () => {
    const small = stateOf(instances('aaaa', { count: 2, configBytes: 100 }));
    assert.equal(outgoingState(small, undefined).message?.whole, true);
    assert.equal(outgoingState(small, { takesReleases: true }).message?.whole, undefined);
    const large = stateOf(instances('aaaa', { count: 130, configBytes: CONFIG_BYTES_MAX }));
    assert.equal(outgoingState(large, undefined).message, undefined);
    assert.match(outgoingState(large, undefined).reason?.message ?? '', /\(aaaa: \d+\)\. Its agent accepts/);
    assert.equal(outgoingState(large, { takesReleases: true }).withheld.size, 0);
  });
});
