import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  FACTS_JSON_MAX,
  NO_FACTS,
  parseNodeFacts,
  readNodeFacts,
  writeNodeFacts,
} from '../../../../shared/domain/node-facts.ts';

describe('facts of a node', () => {
  it('of another version lose only what is unknown or invalid', () => {
    const read = readNodeFacts({ os: 'debian-12', cpus: 'four', kernel: 'x'.repeat(300), colour: 'red' });
    assert.deepEqual(read, { ...NO_FACTS, os: 'debian-12' });
    assert.equal(readNodeFacts({ cpus: -1 }, { ...NO_FACTS, cpus: 4 }).cpus, 4);
  });

  it('lose an invalid group as a whole', () => {
    assert.equal(readNodeFacts({ machine: { cpuModel: 5 } }).machine, undefined);
  });

  it('come back from their JSON, and are unchanged by JSON that is not theirs', () => {
    const facts = { ...NO_FACTS, os: 'debian-13', stacks: ['host'] };
    assert.deepEqual(parseNodeFacts(writeNodeFacts(facts), NO_FACTS), facts);
    for (const json of ['', '{', '[]', 'null', '"text"']) assert.deepEqual(parseNodeFacts(json, facts), facts);
  });

  it('are not sent when they are too long', () => {
    assert.equal(writeNodeFacts({ os: 'x'.repeat(FACTS_JSON_MAX) }), '');
  });
});
