/** Next commands for what git itself refuses, before it asks us about any ref. Pure. */

const HINTS: readonly (readonly [said: string, hint: string])[] = [
  ['shallow update not allowed', 'This clone has only a part of the history. Get the rest and push again: git fetch --unshallow'],
  [
    'pack exceeds maximum allowed size',
    'The push is larger than the limit for one push. Take large files out of the commits (git rm --cached FILE, git commit --amend), then push again.',
  ],
  ['fsck error', 'An object of the history is damaged or malformed. Find it with: git fsck'],
];

function outOfMemory(memoryBytes: number): string {
  const megabytes = String(Math.round(memoryBytes / 1024 ** 2));
  return `Git needs more than ${megabytes} MB of memory for an object of this push. This is the limit for one push, so it was refused. Take large files out of the commits (git rm --cached FILE, git commit --amend), then push again.`;
}

/** Looks at git's output as it passes; remembers the first refusal it knows. */
export class RefusalHints {
  #tail = '';
  #hint: string | undefined;
  readonly #memoryBytes: number;

  constructor(memoryBytes: number) {
    this.#memoryBytes = memoryBytes;
  }

  push(chunk: Uint8Array): void {
    if (this.#hint !== undefined || chunk.length > 8192) return; // refusals are short
    const text = this.#tail + Buffer.from(chunk).toString('latin1');
    // git's message for a failed malloc, and the one for a thread that cannot start
    const memory = /[Oo]ut of memory|unable to create thread/.test(text);
    this.#hint = memory ? outOfMemory(this.#memoryBytes) : HINTS.find(([said]) => text.includes(said))?.[1];
    this.#tail = text.slice(-64);
  }

  get hint(): string | undefined {
    return this.#hint;
  }
}
