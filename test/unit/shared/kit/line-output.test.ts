import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LineOutput } from '../../../../shared/kit/line-output.ts';

describe('program output with lines of Slipway', () => {
  const play = (steps: (output: LineOutput) => void): string => {
    const chunks: string[] = [];
    steps(new LineOutput((chunk) => chunks.push(Buffer.from(chunk as Uint8Array).toString())));
    return chunks.join('');
  };

  it('starts a new line when a program left one unfinished', () => {
    const text = play((output) => {
      output.say('one\n');
      output.write(Buffer.from('no end'));
      output.say('two\n');
    });
    assert.equal(text, 'one\nno end\ntwo\n');
  });

  it('adds no line break when the line is complete or the text is empty', () => {
    const text = play((output) => {
      output.write('whole\n');
      output.write('');
      output.say('');
      output.say('next\n');
    });
    assert.equal(text, 'whole\nnext\n');
  });
});
