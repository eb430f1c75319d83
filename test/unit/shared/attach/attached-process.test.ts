import assert from 'node:assert/strict';
import { duplexPair, type Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AttachedProcess, type Sinks } from '../../../../shared/attach/attached-process.ts';
import {
  encodeFrame,
  FRAME,
  FrameReader,
  PING_MS,
  SILENCE_MS,
  WINDOW_BYTES,
} from '../../../../shared/attach/frames.ts';
import { systemClock, type Clock } from '../../../../shared/kit/clock.ts';
import { VirtualClock } from '../../../scenario/world/virtual-clock.ts';
import { eventually } from '../../../support/eventually.ts';

/** The process in the sandbox: it counts what is in transit, and gives credit back when the test says so. */
class Inside {
  readonly kinds: number[] = [];
  readonly input: Buffer[] = [];
  inputBytes = 0;
  credit = 0;
  readonly #stream: Duplex;
  readonly #reader = new FrameReader();

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => {
      for (const { kind, content } of this.#reader.push(chunk)) {
        this.kinds.push(kind);
        if (kind === FRAME.input) {
          this.input.push(content);
          this.inputBytes += content.length;
        } else if (kind === FRAME.credit) this.credit += content.readUInt32BE(0);
      }
    });
  }

  send(kind: number, content: Uint8Array = new Uint8Array()): void {
    this.#stream.write(encodeFrame(kind, content));
  }

  giveBack(bytes: number): void {
    const content = Buffer.alloc(4);
    content.writeUInt32BE(bytes);
    this.send(FRAME.creditBack, content);
  }

  end(): void {
    this.#stream.destroy();
  }
}

function connect(
  change: Partial<Sinks> = {},
  clock: Clock = systemClock,
): { process: AttachedProcess; inside: Inside } {
  const [outer, inner] = duplexPair();
  const sinks = { output: () => Promise.resolve(), errors: () => Promise.resolve(), ...change };
  return { process: new AttachedProcess(outer, sinks, clock), inside: new Inside(inner) };
}

describe('the client of an attached process', () => {
  it('sends no more input than the window, and the rest when the process has read', async () => {
    const { process, inside } = connect();
    const bytes = Buffer.alloc(WINDOW_BYTES + 100_000, 'x');
    const sent = process.input(bytes);
    await eventually('the window is full', () => inside.inputBytes === WINDOW_BYTES);
    inside.giveBack(60_000);
    await eventually('a part follows', () => inside.inputBytes === WINDOW_BYTES + 60_000);
    inside.giveBack(60_000);
    await sent;
    await eventually('all of it', () => inside.inputBytes === bytes.length);
    process.close();
  });

  it('passes notices of the controller on, which are no output', async () => {
    const notices: string[] = [];
    const { process, inside } = connect({ notice: (text) => notices.push(text) });
    inside.send(FRAME.notice, Buffer.from('web.1 ends soon.'));
    inside.send(FRAME.exit, Buffer.from([0]));
    assert.equal(await process.exited, 0);
    assert.deepEqual([notices, inside.credit], [['web.1 ends soon.'], 0]);
  });

  it('gives credit for output only when it is written', async () => {
    const waiting = Promise.withResolvers<undefined>();
    const { process, inside } = connect({ output: () => waiting.promise });
    for (let index = 0; index < 10; index += 1) inside.send(FRAME.output, Buffer.alloc(30_000));
    inside.send(FRAME.errors, Buffer.from('later'));
    await eventually('a sign of life', () => {
      process.signal('CONT');
      return inside.kinds.includes(FRAME.signal);
    });
    assert.equal(inside.credit, 0);
    waiting.resolve(undefined);
    await eventually('all credit', () => inside.credit === 300_005);
    process.close();
  });

  it('passes the output on unchanged for any pieces and any back-pressure', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 2_000 }), { maxLength: 30 }),
        fc.nat(3),
        async (pieces, pauses) => {
          const written: Uint8Array[] = [];
          let turn = 0;
          const output = async (bytes: Uint8Array): Promise<void> => {
            turn += 1;
            if (turn % (pauses + 1) === 0) await new Promise((resolve) => void setImmediate(resolve));
            written.push(bytes);
          };
          const { process, inside } = connect({ output });
          for (const piece of pieces) inside.send(FRAME.output, piece);
          inside.send(FRAME.exit, Buffer.from([3]));
          assert.equal(await process.exited, 3);
          assert.deepEqual(Buffer.concat(written), Buffer.concat(pieces));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('ends the stream of a process that ignores the window', async () => {
    const { process, inside } = connect({ output: () => new Promise(() => undefined) });
    for (let sent = 0; sent < WINDOW_BYTES * 2; sent += 60_000) inside.send(FRAME.output, Buffer.alloc(60_000));
    await assert.rejects(process.exited, { code: 'SLIP_ATTACH_FRAME' });
  });

  it('rejects when the stream ends without an exit code', async () => {
    const { process, inside } = connect();
    inside.end();
    await assert.rejects(process.exited, { code: 'SLIP_ATTACH_LOST' });
    await assert.rejects(process.started, { code: 'SLIP_ATTACH_LOST' });
  });

  it('sends pings, and ends a stream that is silent for too long', async () => {
    const clock = new VirtualClock();
    const { process, inside } = connect({}, clock);
    const outcome = process.exited.catch((error: unknown) => error);
    process.start({ mode: 'pipe', words: ['true'] });
    await clock.advance(PING_MS);
    await eventually('a ping', () => inside.kinds.includes(FRAME.ping));
    inside.send(FRAME.pong);
    inside.send(FRAME.started);
    await process.started;
    await clock.advance(SILENCE_MS - PING_MS);
    assert.equal(await Promise.race([outcome, Promise.resolve('open')]), 'open');
    await clock.advance(PING_MS * 2);
    assert.equal((await outcome) instanceof Error, true);
  });

  it('rejects with the failure that the agent or the sandbox sent', async () => {
    const { process, inside } = connect();
    inside.send(FRAME.failure, Buffer.from('SLIP_ATTACH_PORT\0No connection.\0Try again.'));
    await assert.rejects(process.exited, { code: 'SLIP_ATTACH_PORT', message: 'No connection.' });
  });
});
