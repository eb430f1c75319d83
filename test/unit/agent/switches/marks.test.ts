import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseMark, writeMark, type Mark } from '../../../../agent/switches/marks.ts';
import { parseAccessLine } from '../../../../agent/proxy/router-line.ts';
import type { AppId } from '../../../../shared/domain/ids.ts';
import { randomId } from '../../../../shared/kit/random-id.ts';

const appId = randomId() as AppId;
const MARKS: readonly Mark[] = [
  { kind: 'begin', appId, release: 2, whole: true, lost: { '4711': 3 } },
  { kind: 'read', appId, release: 2, read: 1_700_000_000_000 },
  { kind: 'moved', appId, instanceId: 'i1', isIn: false },
];

describe('the marks of a switch in the log of the proxy', () => {
  it('are read back as they were written, and are no requests', () => {
    for (const mark of MARKS) {
      assert.deepEqual(parseMark(writeMark(mark)), mark);
      assert.equal(parseAccessLine(writeMark(mark)), undefined);
    }
  });

  it('cannot be made by a request, and a damaged one is ignored', () => {
    const [begin] = MARKS.map(writeMark);
    const request = `slip1 shop/${appId} - PR-- 400 0 0 -1 -1 -1 0 http - 192.0.2.1 GET - - "/${begin ?? ''}"`;
    for (const text of [request, begin?.slice(0, -5), 'slipmark {}', 'slipmark nothing'])
      assert.equal(parseMark(text ?? ''), undefined);
  });
});
