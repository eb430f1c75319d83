import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startTimeoutMs } from '../../../../controller/assignments/start-timeout.ts';
import { tellUnchecked } from '../../../../controller/release/unchecked-nodes.ts';
import type { NodeId } from '../../../../shared/domain/ids.ts';
import { parseProcessType } from '../../../../shared/domain/names.ts';
import { readHealthChecks } from '../../../../shared/domain/read-health-checks.ts';
import { slugOf } from '../../../support/store-fixtures.ts';

const read = (value: unknown) => readHealthChecks(value, (what) => new Error(what)).checks;
const slug = { ...slugOf('a'), checks: read({ web: [{ path: '/up' }] }) };
const row = (node: string, type: string) => ({ nodeId: node as NodeId, processType: parseProcessType(type) });
const node = (name: string, checkProbes: readonly string[] | undefined) => ({
  nodeId: name as NodeId,
  name,
  checkProbes,
});

it('a push names the nodes whose agents are too old for the checks of what runs there', () => {
  const said = (release: Parameters<typeof tellUnchecked>[0]['release']): readonly string[] => {
    const texts: string[] = [];
    tellUnchecked({ release, print: (text) => texts.push(text) }, rows, nodes);
    return texts;
  };
  const nodes = [node('lon', []), node('fra', []), node('ams', ['http', 'tcp']), node('off', undefined)];
  const rows = [row('lon', 'web'), row('fra', 'worker'), row('ams', 'web'), row('off', 'web')];
  assert.match(said({ slug })[0] ?? '', /The agents of lon are too old .*nodes:upgrade lon\n$/s);
  assert.deepEqual(said({ slug: slugOf('a') }), []);
  const checks = read({ worker: [{ listening: true, port: 9000 }] });
  assert.match(said({ slug, checks })[0] ?? '', /The agents of fra, lon are/);
});

it('a release with health checks has more time to start', () => {
  const checks = read({ web: [{ type: 'readiness', path: '/up' }] });
  assert.equal(startTimeoutMs(120_000, { slug: slugOf('a') }), 120_000);
  assert.equal(startTimeoutMs(120_000, { slug }), 120_000 + 3 * 5_000 + 2 * 5_000);
  assert.equal(startTimeoutMs(120_000, { slug, checks }), 120_000 + 60_000);
});
