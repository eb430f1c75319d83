import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AgentSession } from '../../../../controller/dispatch/agent-session.ts';
import { SwitchCounts } from '../../../../controller/dispatch/switch-counts.ts';
import type { AppId } from '../../../../shared/domain/ids.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import type { SwitchFigures } from '../../../../shared/rpc/messages.ts';

const KEY = { appId: 'app' as AppId, release: 2 };

function session(nodeId: string, sent: unknown[], countsSwitches?: true): AgentSession {
  const send = (message: unknown): unknown => sent.push(message);
  return { nodeId, hello: { countsSwitches }, send } as unknown as AgentSession; // what it reads of a session
}

const figures = (read: number): SwitchFigures => ({
  ...{ kind: 'switchFigures', ...KEY, read, requests: 1, codes: {}, openRequests: 0, longestDrainMs: 0, lostLines: 0 },
});

describe('the counts of the controller', () => {
  it('send the list in each new session, also an empty one, to agents that can count', () => {
    const [newer, older]: [unknown[], unknown[]] = [[], []];
    const counts = new SwitchCounts({ sessions: () => [], clock: systemClock });
    counts.sessionStarted(session('ash', newer, true));
    counts.begin(KEY, true);
    counts.sessionStarted(session('ash', newer, true));
    counts.end(KEY);
    counts.sessionStarted(session('ash', newer, true));
    counts.sessionStarted(session('elm', older));
    const lists = [[], [{ ...KEY, opening: true, read: 0 }], []];
    assert.deepEqual(
      newer,
      lists.map((switches) => ({ kind: 'countSwitches', switches })),
    );
    assert.deepEqual(older, []);
  });

  it('tell their listeners of figures that are used, and of no others', () => {
    const ash = session('ash', [], true);
    const counts = new SwitchCounts({ sessions: () => [ash], clock: systemClock });
    let told = 0;
    const stop = counts.onChange(() => (told += 1));
    counts.reported(ash, figures(0));
    assert.equal(told, 0, 'the switch does not exist');
    counts.begin(KEY, true);
    counts.reported(ash, figures(1));
    assert.equal(told, 0, 'nobody has asked this question');
    counts.reported(ash, figures(0));
    assert.deepEqual([told, counts.figures(KEY).size], [1, 1]);
    stop();
    counts.reported(ash, figures(0));
    assert.equal(told, 1);
  });
});
