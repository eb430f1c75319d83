import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BUILD_STATES,
  canReach,
  canTransition,
  INSTANCE_STATES,
  ISSUED_STATES,
  isTerminal,
  NODE_STATES,
  ORDER_STATES,
  RELEASE_STATES,
  TASK_STATES,
  transition,
  type StateTable,
} from '../../../../shared/domain/states.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';

/** Written out a second time, as a matrix: a change of a table must be meant twice. */
const TABLES: readonly {
  name: string;
  table: StateTable<string>;
  allowed: readonly string[];
  terminal: readonly string[];
}[] = [
  {
    name: 'build',
    table: BUILD_STATES,
    allowed: [
      'queued>running',
      'queued>failed',
      'queued>cancelled',
      'running>succeeded',
      'running>failed',
      'running>cancelled',
    ],
    terminal: ['succeeded', 'failed', 'cancelled'],
  },
  {
    name: 'certificate',
    table: ORDER_STATES,
    allowed: [
      ...['needed>checking', 'checking>ordered', 'ordered>answering', 'ordered>finalizing', 'answering>validating'],
      ...['ordered>presenting', 'presenting>propagating', 'propagating>answering'],
      ...['presenting>waiting', 'presenting>blocked', 'propagating>waiting', 'propagating>blocked'],
      ...['waiting>presenting', 'waiting>propagating'],
      ...['validating>finalizing', 'finalizing>issued', 'issued>delivering', 'delivering>serving', 'serving>needed'],
      ...['delivering>needed'],
      ...['checking>waiting', 'ordered>waiting', 'answering>waiting', 'validating>waiting', 'finalizing>waiting'],
      ...['checking>blocked', 'ordered>blocked', 'answering>blocked', 'validating>blocked', 'finalizing>blocked'],
      ...['issued>waiting', 'issued>blocked', 'blocked>needed', 'waiting>needed', 'waiting>checking'],
      ...['waiting>ordered', 'waiting>answering', 'waiting>validating', 'waiting>finalizing', 'waiting>issued'],
    ],
    terminal: [],
  },
  {
    name: 'issued',
    table: ISSUED_STATES,
    allowed: ['valid>replacing', 'valid>revoking', 'replacing>revoking', 'revoking>revoked'],
    terminal: ['revoked'],
  },
  {
    name: 'task',
    table: TASK_STATES,
    allowed: [
      'pending>running',
      'pending>failed',
      'pending>cancelled',
      'running>succeeded',
      'running>failed',
      'running>cancelled',
    ],
    terminal: ['succeeded', 'failed', 'cancelled'],
  },
  {
    name: 'release',
    table: RELEASE_STATES,
    allowed: [
      'pending>deploying',
      'pending>failed',
      'deploying>current',
      'deploying>failed',
      'current>superseded',
      'current>failed',
      'superseded>current',
    ],
    terminal: ['failed'],
  },
  {
    name: 'node',
    table: NODE_STATES,
    allowed: [
      'joined>ready',
      'joined>removed',
      'ready>unreachable',
      'ready>removed',
      'unreachable>ready',
      'unreachable>removed',
    ],
    terminal: ['removed'],
  },
  {
    name: 'instance',
    table: INSTANCE_STATES,
    allowed: [
      ...['pending>fetching', 'pending>starting', 'pending>stopping', 'pending>stopped', 'pending>failed'],
      ...['fetching>pending', 'fetching>starting', 'fetching>stopping', 'fetching>stopped', 'fetching>failed'],
      ...['starting>pending', 'starting>fetching', 'starting>live', 'starting>backoff', 'starting>stopping'],
      ...['starting>stopped', 'starting>failed'],
      ...['live>pending', 'live>fetching', 'live>starting', 'live>backoff', 'live>stopping', 'live>stopped'],
      ...['backoff>pending', 'backoff>fetching', 'backoff>starting', 'backoff>stopping', 'backoff>stopped'],
      ...['stopping>stopped', 'failed>stopping', 'failed>stopped'],
    ],
    terminal: ['stopped'],
  },
];

for (const { name, table, allowed, terminal } of TABLES) {
  const states = Object.keys(table);

  test(`every pair of ${name} states is either allowed or refused`, () => {
    for (const from of states) {
      for (const to of states) {
        const expected = allowed.includes(`${from}>${to}`);
        assert.equal(canTransition(table, from, to), expected, `${from} to ${to}`);
        if (expected) assert.equal(transition(table, from, to), to);
        else assert.throws(() => transition(table, from, to), isIllegal, `${from} to ${to}`);
      }
    }
  });

  test(`a ${name} state without a next state is terminal`, () => {
    assert.deepEqual(
      states.filter((state) => isTerminal(table, state)),
      terminal,
    );
  });

  test(`every ${name} state but the first is reached from another`, () => {
    const reached = new Set(Object.values(table).flat());
    assert.deepEqual(
      states.slice(1).filter((state) => !reached.has(state)),
      [],
    );
    assert.ok([...reached].every((state) => states.includes(state)));
  });
}

test('a state is reached over the states in between, but never from a terminal one', () => {
  assert.equal(canReach(INSTANCE_STATES, 'pending', 'live'), true);
  assert.equal(canReach(INSTANCE_STATES, 'live', 'starting'), true);
  assert.equal(canReach(INSTANCE_STATES, 'stopping', 'live'), false);
  assert.equal(canReach(INSTANCE_STATES, 'stopped', 'live'), false);
});

function isIllegal(error: unknown): boolean {
  return error instanceof SlipwayError && error.code === 'SLIP_STATE_ILLEGAL' && error.kind === 'bug';
}
