import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openDocuments, type AcceptedDocuments } from '../../../../agent/accepted/documents.ts';
import { refuseRoutes } from '../../../../agent/accepted/fleet-routes.ts';
import { routesBetween, routesDigest, sameTable, wholeTable } from '../../../../shared/domain/fleet-routes.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { tempDir } from '../../../support/certificates.ts';
import { anApp, aPeer, aTable } from '../../../support/fleet-routes.ts';

const one = aTable(1, { peers: [aPeer('aa')], apps: [anApp('shop', ['aa'])] });
const two = aTable(2, { peers: [aPeer('aa'), aPeer('bb')], apps: [anApp('shop', ['bb'])] });

describe('whose routes an agent takes over', () => {
  const held = aTable(5, {});
  const epoch = (counter: number, id: string): { epoch: { counter: number; id: string } } => ({
    epoch: { counter, id },
  });
  const cases: readonly [string, ReturnType<typeof wholeTable>, string | undefined][] = [
    ['a newer table', wholeTable(aTable(6, {})), undefined],
    ['the same again', wholeTable(held), undefined],
    ['a change of the one it has', { ...wholeTable(aTable(6, {})), baseVersion: 5 }, undefined],
    ['a change of another', { ...wholeTable(aTable(8, {})), baseVersion: 7 }, 'SLIP_ROUTES_GAP'],
    ['an older one', wholeTable(aTable(4, {})), 'SLIP_ROUTES_OLD_VERSION'],
    ['one of an older life', wholeTable(aTable(9, epoch(0, 'old'))), 'SLIP_ROUTES_OLD_EPOCH'],
    ['one of a copy', wholeTable(aTable(9, epoch(1, 'copy'))), 'SLIP_ROUTES_OTHER_CONTROLLER'],
    ['any of a newer life', wholeTable(aTable(1, epoch(2, 'next'))), undefined],
    [
      'the table it has, named by its digest, in a newer life',
      sameTable(aTable(1, epoch(2, 'next')), routesDigest(held)),
      undefined,
    ],
    ['another, named by its digest', sameTable(aTable(6, {}), routesDigest(one)), 'SLIP_ROUTES_GAP'],
    ['a change in a newer life', { ...wholeTable(aTable(6, epoch(2, 'next'))), baseVersion: 5 }, 'SLIP_ROUTES_GAP'],
  ];
  for (const [what, update, code] of cases) {
    it(`${what}: ${code ?? 'accepted'}`, () => {
      assert.equal(refuseRoutes(held, update)?.code, code);
    });
  }
});

describe('the routes on disk', () => {
  const open = (stateDir: string): AcceptedDocuments['fleetRoutes'] =>
    openDocuments(stateDir, { clock: systemClock, log: silentLogger }).fleetRoutes;

  it('are there for the next agent, changes included', async (t) => {
    const stateDir = await tempDir(t);
    const accepted = open(stateDir);
    assert.equal(await accepted.load(), undefined);
    assert.equal(await accepted.accept(wholeTable(one)), undefined);
    assert.equal(await accepted.accept(routesBetween(one, two)), undefined);
    const next = open(stateDir);
    assert.deepEqual(await next.load(), two);
    const [epoch, version] = [{ counter: 2, id: 'next' }, 1] as const;
    const third = open(stateDir);
    assert.equal(
      (await third.accept(sameTable({ ...two, epoch, version }, routesDigest(two))))?.code,
      'SLIP_ROUTES_GAP',
      'nothing loaded',
    );
    assert.equal((await next.accept(wholeTable(one)))?.code, 'SLIP_ROUTES_OLD_VERSION');
    assert.deepEqual(next.current(), two);
    assert.equal(await next.accept(sameTable({ ...two, epoch, version }, routesDigest(two))), undefined);
    assert.deepEqual(next.current(), { ...two, epoch, version });
  });

  it('count as none when they are damaged', async (t) => {
    const stateDir = await tempDir(t);
    const accepted = open(stateDir);
    await accepted.accept(wholeTable(one));
    const path = join(stateDir, 'routes.json');
    await writeFile(path, (await readFile(path, 'utf8')).slice(0, 40));
    assert.equal(await open(stateDir).load(), undefined);
  });
});
