import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MAX_SENT_OUTPUT_BYTES, TaskOutputs } from '../../../../agent/session/task-output.ts';
import type { TaskId } from '../../../../shared/domain/ids.ts';
import { countLines } from '../../../../shared/kit/count-lines.ts';

const [one, two] = ['task00000001' as TaskId, 'task00000002' as TaskId];

/** The controller's end: what has arrived of each task. */
class Arrivals {
  readonly #chunks = new Map<TaskId, Uint8Array[]>([
    [one, []],
    [two, []],
  ]);

  take(piece: { readonly taskId: TaskId; readonly chunk: Uint8Array }): void {
    this.#chunks.get(piece.taskId)?.push(piece.chunk);
  }

  text(taskId: TaskId): string {
    return Buffer.concat(this.#chunks.get(taskId) ?? []).toString();
  }

  progress(): { taskId: TaskId; outputBytes: number; outputLines: number }[] {
    return [one, two].map((taskId) => {
      const all = Buffer.concat(this.#chunks.get(taskId) ?? []);
      return { taskId, outputBytes: all.length, outputLines: countLines(all) };
    });
  }
}

/** Sends `count` messages at most, of which the last `lost` do not arrive. */
function send(
  outputs: TaskOutputs,
  arrivals: Arrivals,
  { count, lost }: { readonly count: number; readonly lost: number },
): void {
  const sent = [];
  for (let next = outputs.next(); next !== undefined; next = sent.length < count ? outputs.next() : undefined)
    sent.push(next);
  for (const piece of sent.slice(0, Math.max(0, sent.length - lost))) arrivals.take(piece);
}

const everything = { count: Infinity, lost: 0 };

describe('the output of tasks', () => {
  it('arrives whole, in order and once, however often the session breaks', () => {
    const step = fc.record({
      lines: fc.array(fc.record({ taskId: fc.constantFrom(one, two), text: fc.string({ maxLength: 5 }) }), {
        maxLength: 4,
      }),
      count: fc.nat({ max: 4 }),
      lost: fc.nat({ max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const [outputs, arrivals] = [new TaskOutputs(), new Arrivals()];
        const printed = new Map([
          [one, ''],
          [two, ''],
        ]);
        for (const { lines, count, lost } of steps) {
          for (const { taskId, text } of lines) {
            outputs.add(taskId, Buffer.from(`${text}\n`));
            printed.set(taskId, `${printed.get(taskId) ?? ''}${text}\n`);
          }
          send(outputs, arrivals, { count, lost });
          outputs.resume(arrivals.progress());
        }
        send(outputs, arrivals, everything);
        for (const taskId of [one, two]) assert.equal(arrivals.text(taskId), printed.get(taskId));
      }),
      { seed: 20, numRuns: 300 },
    );
  });

  it('says how many lines it no longer has when more was lost than it keeps', () => {
    const [outputs, arrivals] = [new TaskOutputs(), new Arrivals()];
    const line = `${'x'.repeat(1023)}\n`;
    const count = (2 * MAX_SENT_OUTPUT_BYTES) / line.length;
    outputs.add(one, Buffer.from('first\n'));
    send(outputs, arrivals, everything);
    for (let at = 0; at < count; at += 1) outputs.add(one, Buffer.from(line));
    send(outputs, new Arrivals(), everything); // nothing arrives
    outputs.resume(arrivals.progress());
    outputs.add(one, Buffer.from('last\n'));
    send(outputs, arrivals, everything);
    const [first, , mark, ...rest] = arrivals.text(one).split('\n');
    assert.equal(first, 'first');
    const left = Number(/^\[(\d+) lines of the build's output left out\]$/.exec(mark ?? '')?.[1]);
    assert.equal(left + rest.length - 2, count, 'the mark counts exactly the lines that are absent');
    assert.ok((rest.length - 2) * line.length >= MAX_SENT_OUTPUT_BYTES / 4);
    assert.equal(rest.at(-2), 'last');
    outputs.resume(arrivals.progress());
    assert.equal(outputs.next(), undefined, 'after that both ends count alike');
  });

  it('is not sent again for a finished task, or to a controller that does not ask for it', () => {
    const outputs = new TaskOutputs();
    outputs.add(one, Buffer.from('x'));
    outputs.next();
    outputs.resume([]);
    assert.equal(outputs.next(), undefined);
    outputs.drop(one);
    outputs.resume([{ taskId: one, outputBytes: 0, outputLines: 0 }]);
    assert.equal(outputs.next(), undefined);
  });
});
