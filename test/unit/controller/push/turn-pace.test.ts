import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TurnPace } from '../../../../controller/push/turn-pace.ts';

describe('the pace of a turn', () => {
  const clientMs = (pace: TurnPace, nowMs: number): number => pace.total(nowMs).clientMs;

  it('counts the time in which git waits for the client', () => {
    const pace = new TurnPace(1_000);
    assert.equal(clientMs(pace, 61_000), 60_000, 'a client that sends nothing');
    pace.fromClient(62_000, 10, false);
    pace.fromClient(70_000, 10, false);
    assert.deepEqual(pace.total(71_000), { clientMs: 70_000, bytes: 20 }, 'a client that sends little');
  });

  it('does not count the time in which git takes no input', () => {
    const pace = new TurnPace(0);
    pace.fromClient(1_000, 64_000, true);
    assert.equal(clientMs(pace, 500_000), 1_000);
    pace.gitReads(500_000);
    assert.equal(clientMs(pace, 510_000), 11_000);
  });

  it('does not count the time in which git works and shows it', () => {
    const pace = new TurnPace(0);
    for (let ms = 0; ms <= 600_000; ms += 5_000) pace.fromGit(ms, 5, false);
    assert.equal(clientMs(pace, 600_000), 0);
    assert.equal(clientMs(pace, 700_000), 85_000, 'a silent git waits for its client');
  });

  it('counts the time in which the client takes no output, also while git speaks', () => {
    const pace = new TurnPace(0);
    pace.fromGit(0, 64_000, true);
    assert.equal(clientMs(pace, 90_000), 90_000);
    pace.clientReads(90_000);
    pace.fromGit(90_001, 64_000, false);
    assert.equal(clientMs(pace, 100_000), 90_001);
  });
});
