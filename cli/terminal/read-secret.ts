import type { ReadStream } from 'node:tty';
import { usageError } from '../usage-error.ts';
import { readAll } from './read-all.ts';

/** Reads a whole pipe, or one line from a terminal without showing it. */
export async function readSecret(stdin: ReadStream, prompt: (text: string) => void, question: string): Promise<string> {
  if (!stdin.isTTY) return ((await readAll(stdin)) ?? '').toString().trim();
  prompt(question);
  stdin.setRawMode(true);
  try {
    return await readHidden(stdin);
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    prompt('\n');
  }
}

const ENTER = new Set(['\r', '\n', '\u0004']);
const INTERRUPT = '\u0003';
const ERASE = new Set(['\u007f', '\b']);

function readHidden(stdin: ReadStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const onData = (chunk: Buffer): void => {
      for (const key of chunk.toString('utf8')) {
        if (key === INTERRUPT || ENTER.has(key)) {
          stdin.off('data', onData);
          if (key === INTERRUPT) reject(usageError('Interrupted.', 'Nothing was changed.'));
          else resolve(text.trim());
          return;
        }
        text = ERASE.has(key) ? text.slice(0, -1) : text + key;
      }
    };
    stdin.on('data', onData);
  });
}
