import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Switches } from '../../../../agent/switches/switches.ts';
import type { AppId } from '../../../../shared/domain/ids.ts';
import type { NodeFigures, SwitchQuery } from '../../../../shared/domain/switch-figures.ts';
import { systemClock, type Clock } from '../../../../shared/kit/clock.ts';
import { silentLogger, type LogFields } from '../../../../shared/kit/log.ts';
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
  /** The folder of the log, as the agent finds it. */
  logDir: () => string;
  /** Called with each mark, before it is in the log. @returns false: it never comes there */
  onMark: (line: string) => Promise<boolean>;
  readonly errors: unknown[];
  readonly lostReadings: { count: number };
  request(state?: string, app?: string): Promise<void>;
  agent(clock?: Clock): Switches;
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
    ...{ dir, reports: [], open: new Map(), lost: new Map(), hasLogger: true, logDir: () => dir, errors: [] },
    lostReadings: { count: 0 },
    onMark: () => Promise.resolve(true),
    request: (state = '----', app = appId) =>
      write(`slip1 shop/${app} web.1/old ${state} 200 5 0 0 0 1 1 http id 192.0.2.1 GET h - "/"`),
    agent: (clock = systemClock) => {
      const proxy = {
        logDir: () => lab.logDir(),
        writeLogLine: async (line: string) => {
          if (lab.hasLogger && (await lab.onMark(line))) await write(line);
          return lab.hasLogger;
        },
        lostLogLines: async () => {
          lab.lostReadings.count += 1;
          return new Map(lab.lost);
        },
        inFlight: (id: string) => Promise.resolve(lab.open.get(id) ?? 0),
      };
      const report = (figures: NodeFigures): unknown => lab.reports.push(figures);
      const log = { ...silentLogger, error: ({ err }: LogFields) => void lab.errors.push(err) };
      const agent = new Switches({ proxy, clock, log, report });
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

describe('the counts of an agent in trouble', () => {
  it('have each request that ends while the agent answers, as ended or as open', async () => {
    await using lab = await openLab();
    const switches = lab.agent();
    await begun(lab, switches);
    lab.open.set('old', 1);
    switches.moved(appId, 'old', false);
    lab.onMark = async () => {
      lab.open.delete('old'); // after the agent has looked; its line comes after the mark
      return true;
    };
    const during = await lab.answer(switches, 1);
    assert.deepEqual([during.requests, during.openRequests], [0, 1]);
    await lab.request();
    const ended = (): NodeFigures | undefined => lab.reports.find((one) => one.openRequests === 0 && one.read === 1);
    await eventually('the end', ended);
    assert.equal((await lab.answer(switches, 2)).requests, 1);
  });

  it('have the lost lines of a process of the proxy that has ended', async () => {
    await using lab = await openLab();
    lab.lost.set('12', 4);
    const switches = lab.agent();
    await begun(lab, switches);
    lab.lost.set('12', 6);
    const before = lab.lostReadings.count;
    await eventually('a reading', () => lab.lostReadings.count > before);
    lab.lost.delete('12');
    lab.lost.set('13', 1);
    assert.equal((await lab.answer(switches, 1)).lostLines, 3);
  });

  it('do not wait for a second mark when nothing writes the log, until a mark arrives', async () => {
    await using lab = await openLab();
    let [nowMs, marks, isWritten] = [0, 0, false];
    lab.onMark = async () => {
      marks += 1;
      return isWritten;
    };
    const switches = lab.agent({ ...systemClock, monotonicMs: () => nowMs });
    const gapOf = async (release: number, waitMs: number): Promise<unknown> => {
      const before = marks;
      switches.follow([query({ release })]);
      await eventually('the mark', () => marks > before);
      nowMs += waitMs;
      return (await eventually('the answer', () => lab.reports.find((one) => one.release === release))).gap;
    };
    assert.equal(await gapOf(2, 5_001), 'no-log');
    assert.equal(await gapOf(3, 101), 'no-log');
    isWritten = true;
    assert.equal(await gapOf(4, 0), undefined);
    isWritten = false;
    switches.follow([query({ release: 5 })]);
    await eventually('the mark', () => marks === 4);
    const before = lab.lostReadings.count;
    nowMs += 501;
    await eventually('another round', () => lab.lostReadings.count > before);
    assert.equal(lab.reports.length, 3, 'it waits again');
  });

  it('say so when the log cannot be read, and go on when it can', async () => {
    await using lab = await openLab();
    let sleeps = 0;
    const sleep: Clock['sleep'] = (ms, signal) => {
      sleeps += 1;
      return systemClock.sleep(ms, signal);
    };
    const switches = lab.agent({ ...systemClock, sleep });
    let tries = 0;
    const path = join(lab.dir, 'log');
    await writeFile(path, ''); // not a folder
    lab.logDir = () => {
      tries += 1;
      return path;
    };
    switches.follow([query()]);
    const found = await eventually('the answer', () => lab.reports.find((one) => one.release === 2));
    await eventually('more tries', () => tries > 3);
    assert.equal(found.gap, 'no-log');
    assert.ok(tries <= sleeps + 1, 'it pauses after each try');
    assert.equal(lab.errors.length, 1);
    await rm(path);
    await symlink(lab.dir, path);
    switches.follow([query({ release: 3 })]);
    assert.equal((await eventually('the next', () => lab.reports.find((one) => one.release === 3))).gap, undefined);
  });
});
