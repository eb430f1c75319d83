/** Hints for the errors of git itself, before it asks about a ref. Pure. */

const PACK_TOO_LARGE = 'pack exceeds maximum allowed size';
const HINTS: readonly (readonly [said: string, hint: string])[] = [
  [
    'shallow update not allowed',
    'This clone has only a part of the history. Fetch the rest, then push again: git fetch --unshallow',
  ],
  [
    PACK_TOO_LARGE,
    'The push is larger than the limit for one push. Take large files out of the commits (git rm --cached FILE, git commit --amend), then push again.',
  ],
  ['fsck error', 'An object of the history is damaged or malformed. Find it with: git fsck'],
];

function outOfMemory(memoryBytes: number): string {
  const megabytes = String(Math.round(memoryBytes / 1024 ** 2));
  return `Git needs more than ${megabytes} MB of memory for an object of this push. That is the limit for one push, so the push was refused. Take large files out of the commits (git rm --cached FILE, git commit --amend), then push again.`;
}

/** Searches git's output for known errors and keeps the hint of the first one. */
export class RefusalHints {
  #tail = '';
  #hint: string | undefined;
  readonly #memoryBytes: number;
  readonly #tooLarge: string | undefined;

  /** @param tooLarge the reason why the pack is too large. Absent: the limit of one push */
  constructor(memoryBytes: number, tooLarge?: string) {
    this.#memoryBytes = memoryBytes;
    this.#tooLarge = tooLarge;
  }

  push(chunk: Uint8Array): void {
    if (this.#hint !== undefined || chunk.length > 8192) return; // refusals are short
    const text = this.#tail + Buffer.from(chunk).toString('latin1');
    // git's message for a failed malloc, and the one for a thread that cannot start
    const memory = /[Oo]ut of memory|unable to create thread/.test(text);
    this.#hint = memory ? outOfMemory(this.#memoryBytes) : this.#hintFor(text);
    this.#tail = text.slice(-64);
  }

  #hintFor(text: string): string | undefined {
    if (this.#tooLarge !== undefined && text.includes(PACK_TOO_LARGE)) return this.#tooLarge;
    return HINTS.find(([said]) => text.includes(said))?.[1];
  }

  get hint(): string | undefined {
    return this.#hint;
  }
}
