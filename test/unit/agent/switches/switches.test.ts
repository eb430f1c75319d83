import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Switches } from '../../../../agent/switches/switches.ts';
import type { AppId } from '../../../../shared/domain/ids.ts';
import type { NodeFigures, SwitchQuery } from '../../../../shared/domain/switch-figures.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { randomId } from '../../../../shared/kit/random-id.ts';
import { eventually } from '../../../support/eventually.ts';

const appId = randomId() as AppId;
const query = (own: Partial<SwitchQuery> = {}): SwitchQuery => ({ appId, release: 2, opening: true, read: 0, ...own });

interface Lab extends AsyncDisposable {
  readonly dir: string;
  readonly reports: NodeFigures[];
  /** Open requests by instance. */
  readonly open: Map<string, number>;
  readonly lost: Map<string, number>;
  hasLogger: boolean;
  request(state?: string, app?: string): Promise<void>;
  agent(): Switches;
  answer(switches: Switches, read: number): Promise<NodeFigures>;
}

async function openLab(): Promise<Lab> {
  const dir = await mkdtemp(join(tmpdir(), 'slipway-switches-'));
  const current = join(dir, 'current');
  await writeFile(current, '');
  const write = (text: string): Promise<void> =>
    appendFile(current, `${new Date().toISOString().slice(0, -1)} ${text}\n`);
  const agents: Switches[] = [];
  const lab: Lab = {
    ...{ dir, reports: [], open: new Map(), lost: new Map(), hasLogger: true },
    request: (state = '----', app = appId) =>
      write(`slip1 shop/${app} web.1/old ${state} 200 5 0 0 0 1 1 http id 192.0.2.1 GET h - "/"`),
    agent: () => {
      const proxy = {
        logDir: () => dir,
        writeLogLine: async (line: string) => (lab.hasLogger ? write(line).then(() => true) : false),
        lostLogLines: () => Promise.resolve(new Map(lab.lost)),
        inFlight: (id: string) => Promise.resolve(lab.open.get(id) ?? 0),
      };
      const report = (figures: NodeFigures): unknown => lab.reports.push(figures);
      const agent = new Switches({ proxy, clock: systemClock, log: silentLogger, report });
      agents.push(agent);
      return agent;
    },
    answer: async (switches, read) => {
      switches.follow([query({ opening: false, read })]);
      return await eventually('the answer', () => lab.reports.find((one) => one.read === read));
    },
    [Symbol.asyncDispose]: async () => {
      for (const agent of agents) await agent.close();
      await rm(dir, { recursive: true });
    },
  };
  return lab;
}

async function begun(lab: Lab, switches: Switches): Promise<void> {
  switches.follow([query()]);
  await eventually('the begin', () => lab.reports.length > 0);
}

describe('the counts of an agent', () => {
  it('have the requests of the app between the begin and the question', async () => {
    await using lab = await openLab();
    await lab.request();
    const switches = lab.agent();
    await begun(lab, switches);
    await lab.request();
    await lab.request('SH--');
    await lab.request('SH--', randomId());
    const { requests, codes, gap } = await lab.answer(switches, 7);
    assert.deepEqual([requests, codes, gap], [2, { H13: 1 }, undefined]);
    await lab.request();
    assert.equal((await lab.answer(switches, 8)).requests, 3);
  });

  it('are the same after a restart of the agent, and are told again in a new session', async () => {
    await using lab = await openLab();
    const first = lab.agent();
    await begun(lab, first);
    await lab.request('SD--');
    await first.close();
    await lab.request();
    const second = lab.agent();
    const { requests, codes, gap } = await lab.answer(second, 5);
    assert.deepEqual([requests, codes, gap], [2, { H18: 1 }, undefined]);
    lab.reports.length = 0;
    second.sessionStarted();
    assert.equal((await lab.answer(second, 5)).requests, 2);
  });

  it('say that they began late', async () => {
    await using lab = await openLab();
    assert.equal((await lab.answer(lab.agent(), 1)).gap, 'late');
  });

  it('say that the proxy has no log, and that lines are lost', async () => {
    await using lab = await openLab();
    lab.hasLogger = false;
    assert.equal((await lab.answer(lab.agent(), 1)).gap, 'no-log');
    await using other = await openLab();
    other.lost.set('12', 4);
    const switches = other.agent();
    await begun(other, switches);
    other.lost.set('12', 6).set('13', 1);
    assert.equal((await other.answer(switches, 1)).lostLines, 3);
  });

  it('say that the log was rotated away before it was read', async () => {
    await using lab = await openLab();
    const switches = lab.agent();
    await begun(lab, switches);
    await rename(join(lab.dir, 'current'), join(lab.dir, 'gone'));
    await writeFile(join(lab.dir, 'current'), '');
    assert.equal((await lab.answer(switches, 3)).gap, 'rotated');
  });

  it('tell when the last open request of an old instance has ended', async () => {
    await using lab = await openLab();
    const switches = lab.agent();
    await begun(lab, switches);
    lab.open.set('old', 1);
    switches.moved(appId, 'old', false);
    const during = await lab.answer(switches, 1);
    assert.equal(during.openRequests, 1);
    await lab.request();
    lab.open.delete('old');
    const after = await eventually('the end', () =>
      lab.reports.find((one) => one.openRequests === 0 && one.read === 1),
    );
    assert.equal(after.requests, 1);
  });
});
