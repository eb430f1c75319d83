import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { decideDesiredState } from '../../../../agent/accepted/desired-state.ts';
import { openDocuments, type AcceptedDocuments } from '../../../../agent/accepted/documents.ts';
import type { DesiredState } from '../../../../shared/domain/assignment.ts';
import type { InstanceId } from '../../../../shared/domain/ids.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { revealAll, sealAll } from '../../../../shared/kit/sensitive.ts';
import { anyAssignment, anyDesiredState } from '../../../support/arbitraries.ts';

async function setUp(t: TestContext): Promise<{ stateDir: string; open: () => AcceptedDocuments['desiredState'] }> {
  const stateDir = await mkdtemp(join(tmpdir(), 'slipway-accepted-'));
  t.after(() => rm(stateDir, { recursive: true, force: true }));
  return { stateDir, open: () => openDocuments(stateDir, { clock: systemClock, log: silentLogger }).desiredState };
}

/** False when the offer is accepted and the same. */
function changes(accepted: DesiredState | undefined, offered: DesiredState): boolean {
  const decision = decideDesiredState(accepted, offered);
  return !decision.accepted || decision.changed;
}

const [any] = fc.sample(anyAssignment, { numRuns: 1, seed: 7 });
const [first] = fc.sample(anyDesiredState, { numRuns: 1, seed: 3 });

describe('accepted desired state', () => {
  it('returns the accepted document after a restart, with its secrets', async (t) => {
    const { open } = await setUp(t);
    for (const state of fc.sample(anyDesiredState, { numRuns: 20, seed: 5 })) {
      const accepted = open();
      const newer = { ...state, generation: (accepted.current()?.generation ?? 0) + 1 };
      assert.equal(await accepted.accept(newer), undefined);
      const again = await open().load();
      assert.equal(changes(again, newer), false);
    }
  });

  it('reads the file of an older agent, and writes the common data of a release once', async (t) => {
    const { stateDir, open } = await setUp(t);
    const nine = Array.from({ length: 9 }, (_, index) => ({
      ...any!,
      checks: undefined,
      instanceId: `instance000${String(index)}` as InstanceId,
      ordinal: index + 1,
    }));
    const state = {
      ...first!,
      withheld: undefined,
      assignments: nine.map((one) => ({ ...one, config: sealAll({ A: 'x'.repeat(10_000) }) })),
    };
    await open().accept(state);
    assert.ok((await stat(join(stateDir, 'desired.json'))).size < 20_000);
    const plain = {
      ...state,
      assignments: state.assignments.map((one) => ({ ...one, config: revealAll(one.config) })),
    };
    await writeFile(join(stateDir, 'desired.json'), JSON.stringify({ version: 1, state: plain }));
    assert.equal(changes(await open().load(), state), false);
  });

  it('is readable by its owner alone', async (t) => {
    const { stateDir, open } = await setUp(t);
    await open().accept(first!);
    assert.equal((await stat(join(stateDir, 'desired.json'))).mode & 0o777, 0o600);
  });

  it('keeps the old document when it refuses a new one', async (t) => {
    const { stateDir, open } = await setUp(t);
    const accepted = open();
    await accepted.accept({ ...first!, generation: 10 });
    const before = await readFile(join(stateDir, 'desired.json'), 'utf8');
    const reason = await accepted.accept({ ...first!, generation: 9 });
    assert.equal(reason?.code, 'SLIP_DESIRED_OLD_GENERATION');
    assert.equal(await readFile(join(stateDir, 'desired.json'), 'utf8'), before);
    assert.equal(accepted.current()?.generation, 10);
  });

  it('decides on concurrent offers one after the other', async (t) => {
    const { open } = await setUp(t);
    const accepted = open();
    const offers = [3, 1, 2, 5, 4].map((generation) => accepted.accept({ ...first!, generation }));
    const reasons = (await Promise.all(offers)).map((reason) => reason?.code ?? 'accepted');
    const old = 'SLIP_DESIRED_OLD_GENERATION';
    assert.deepEqual(reasons, ['accepted', old, old, 'accepted', old]);
  });

  it('moves a damaged file aside and waits for a new document', async (t) => {
    const { stateDir, open } = await setUp(t);
    await open().accept(first!);
    const good = await readFile(join(stateDir, 'desired.json'), 'utf8');
    for (const damage of [
      '',
      '{',
      good.slice(0, good.length / 2),
      '{"version":2,"state":{}}',
      '{"version":3,"state":{}}',
      'null',
    ]) {
      await writeFile(join(stateDir, 'desired.json'), damage);
      const accepted = open();
      assert.equal(await accepted.load(), undefined);
      assert.equal(await accepted.accept(first!), undefined);
    }
    const names = await readdir(stateDir);
    assert.ok(names.some((name) => name.startsWith('desired.json.damaged-')));
  });
});
