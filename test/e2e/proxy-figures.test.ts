import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AppRoutes } from '../../agent/proxy/port.ts';
import { Switches } from '../../agent/switches/switches.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import { saySwitch, sumFigures, type NodeFigures, type SwitchReport } from '../../shared/domain/switch-figures.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { silentLogger } from '../../shared/kit/log.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import { eventually } from '../support/eventually.ts';
import { Load } from '../support/load.ts';
import { ask, openBackend, openProxyLab, routesOf, type ProxyLab, type TestBackend } from '../support/proxy-lab.ts';

const appId = randomId() as AppId;
const routes = (backends: readonly TestBackend[]): AppRoutes[] => [{ ...routesOf('alpha', backends), appId }];

interface Counting extends AsyncDisposable {
  readonly switches: Switches;
  read(): Promise<SwitchReport>;
}

/** The count of an agent with this proxy. */
function count({ proxy }: ProxyLab): Counting {
  const reports: NodeFigures[] = [];
  const switches = new Switches({
    ...{ proxy, clock: systemClock, log: silentLogger },
    report: (figures) => reports.push(figures),
  });
  let read = 0;
  return {
    switches,
    read: async () => {
      switches.follow([{ appId, release: 2, opening: read === 0, read }]);
      const own = await eventually('the figures', () => reports.findLast((one) => one.read === read));
      read = Math.max(read + 1, Date.now());
      assert.equal(own.gap, undefined);
      return sumFigures([own], { isFinal: true, uncounted: [] });
    },
    [Symbol.asyncDispose]: () => switches.close(),
  };
}

async function openLive(old: TestBackend): Promise<ProxyLab & AsyncDisposable> {
  const lab = await openProxyLab();
  await lab.proxy.ensureRunning();
  await lab.proxy.apply({ apps: routes([old]) });
  return lab;
}

describe('the figures of a switch behind a real haproxy', () => {
  test('are those of the clients, for a switch without a failed request', async () => {
    await using old = await openBackend('old0000000');
    await using next = await openBackend('next000000');
    await using lab = await openLive(old);
    await using counting = count(lab);
    await counting.read();
    const load = await Load.start(lab.port, 'alpha.test', 200);
    await load.until(({ bodies }) => bodies.length > 50);
    await lab.proxy.apply({ apps: routes([next]) });
    counting.switches.moved(appId, old.id, false);
    await load.until(({ bodies }) => bodies.filter((body) => body === next.id).length > 50);
    const seen = await load.stop();
    const report = await counting.read();
    // On a busy machine, HAProxy drops a line now and then, and says so.
    assert.deepEqual([report.requests + report.lostLines, report.failed], [seen.bodies.length, 0]);
    assert.deepEqual(seen.failures, []);
    assert.match(saySwitch(report), /^0 of \d+ (counted )?requests failed in the switch, longest drain \d+\.\d s$/);
  });

  test('have the failed requests that the clients saw', async () => {
    await using old = await openBackend('old0000000');
    await using next = await openBackend('next000000', (request) => request.socket.destroy());
    await using lab = await openLive(old);
    await using counting = count(lab);
    await counting.read();
    await lab.proxy.apply({ apps: routes([old, next]) });
    const answers = await Promise.all(Array.from({ length: 40 }, () => ask(lab.port, 'alpha.test')));
    const failed = answers.filter(({ status }) => status >= 500).length;
    await lab.proxy.apply({ apps: routes([]) });
    assert.equal((await ask(lab.port, 'alpha.test')).status, 503);
    const report = await counting.read();
    assert.ok(failed > 0);
    const { lostLines } = report;
    assert.equal(report.requests + lostLines, 41);
    assert.ok(report.failed <= failed + 1 && report.failed + lostLines >= failed + 1, JSON.stringify(report));
    const words = `^${String(report.failed)} of ${String(report.requests)} (counted )?requests failed in the switch \\(`;
    assert.match(saySwitch(report), new RegExp(words));
  });

  test('have the drain of an old instance, and go on after a restart of the agent', async () => {
    let finish: () => void = () => undefined;
    await using old = await openBackend('old0000000', (_request, response) => {
      finish = () => response.end('slow');
    });
    await using next = await openBackend('next000000');
    await using lab = await openLive(old);
    const first = count(lab);
    await first.read();
    const slow = ask(lab.port, 'alpha.test');
    await eventually('the request', async () => (await lab.proxy.inFlight(old.id)) === 1);
    await lab.proxy.apply({ apps: routes([next]) });
    first.switches.moved(appId, old.id, false);
    const during = await first.read();
    assert.deepEqual([during.requests, during.openRequests], [0, 1]);
    await first[Symbol.asyncDispose]();
    finish();
    assert.equal((await slow).body, 'slow');
    await using second = count(lab);
    const after = await second.read();
    assert.deepEqual([after.requests + after.lostLines, after.openRequests, after.failed], [1, 0, 0]);
    assert.ok(after.longestDrainMs > 0, saySwitch(after));
  });
});
