import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openDocuments, type AcceptedDocuments } from '../../../../agent/accepted/documents.ts';
import { refuseRoutes } from '../../../../agent/accepted/fleet-routes.ts';
import {
  routesBetween,
  routesDigest,
  unchangedTableUpdate,
  fullTableUpdate,
} from '../../../../shared/domain/fleet-routes.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { tempDir } from '../../../support/certificates.ts';
import { anApp, aPeer, aTable } from '../../../support/fleet-routes.ts';

const one = aTable(1, { peers: [aPeer('aa')], apps: [anApp('shop', ['aa'])] });
const two = aTable(2, { peers: [aPeer('aa'), aPeer('bb')], apps: [anApp('shop', ['bb'])] });

describe('which route table an agent accepts', () => {
  const held = aTable(5, {});
  const epoch = (counter: number, id: string): { epoch: { counter: number; id: string } } => ({
    epoch: { counter, id },
  });
  const cases: readonly [string, ReturnType<typeof fullTableUpdate>, string | undefined][] = [
    ['a newer table', fullTableUpdate(aTable(6, {})), undefined],
    ['the same again', fullTableUpdate(held), undefined],
    ['a change of the one it has', { ...fullTableUpdate(aTable(6, {})), baseVersion: 5 }, undefined],
    ['a change of another', { ...fullTableUpdate(aTable(8, {})), baseVersion: 7 }, 'SLIP_ROUTES_GAP'],
    ['an older one', fullTableUpdate(aTable(4, {})), 'SLIP_ROUTES_OLD_VERSION'],
    ['one of an older life', fullTableUpdate(aTable(9, epoch(0, 'old'))), 'SLIP_ROUTES_OLD_EPOCH'],
    ['one of a copy', fullTableUpdate(aTable(9, epoch(1, 'copy'))), 'SLIP_ROUTES_OTHER_CONTROLLER'],
    ['any of a newer life', fullTableUpdate(aTable(1, epoch(2, 'next'))), undefined],
    [
      'the table it has, named by its digest, in a newer life',
      unchangedTableUpdate(aTable(1, epoch(2, 'next')), routesDigest(held)),
      undefined,
    ],
    ['another, named by its digest', unchangedTableUpdate(aTable(6, {}), routesDigest(one)), 'SLIP_ROUTES_GAP'],
    [
      'a change in a newer life',
      { ...fullTableUpdate(aTable(6, epoch(2, 'next'))), baseVersion: 5 },
      'SLIP_ROUTES_GAP',
    ],
  ];
  for (const [what, update, code] of cases) {
    it(`${what}: ${code ?? 'accepted'}`, () => {
      assert.equal(refuseRoutes(held, update)?.code, code);
    });
  }
});

describe('the stored route table', () => {
  const open = (stateDir: string): AcceptedDocuments['fleetRoutes'] =>
    openDocuments(stateDir, { clock: systemClock, log: silentLogger }).fleetRoutes;

  it('is read by the next agent, with its changes', async (t) => {
    const stateDir = await tempDir(t);
    const accepted = open(stateDir);
    assert.equal(await accepted.load(), undefined);
    assert.equal(await accepted.accept(fullTableUpdate(one)), undefined);
    assert.equal(await accepted.accept(routesBetween(one, two)), undefined);
    const next = open(stateDir);
    assert.deepEqual(await next.load(), two);
    const [epoch, version] = [{ counter: 2, id: 'next' }, 1] as const;
    const third = open(stateDir);
    assert.equal(
      (await third.accept(unchangedTableUpdate({ ...two, epoch, version }, routesDigest(two))))?.code,
      'SLIP_ROUTES_GAP',
      'nothing loaded',
    );
    assert.equal((await next.accept(fullTableUpdate(one)))?.code, 'SLIP_ROUTES_OLD_VERSION');
    assert.deepEqual(next.current(), two);
    assert.equal(await next.accept(unchangedTableUpdate({ ...two, epoch, version }, routesDigest(two))), undefined);
    assert.deepEqual(next.current(), { ...two, epoch, version });
  });

  it('counts as absent when it is damaged', async (t) => {
    const stateDir = await tempDir(t);
    const accepted = open(stateDir);
    await accepted.accept(fullTableUpdate(one));
    const path = join(stateDir, 'routes.json');
    await writeFile(path, (await readFile(path, 'utf8')).slice(0, 40));
    assert.equal(await open(stateDir).load(), undefined);
  });
});
