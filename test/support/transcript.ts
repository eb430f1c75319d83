import type { PushResult } from './fleet-user.ts';

/** What a person types and sees, as a Markdown document. Addresses of the test are shown as those of a set-up by default. */
export class Transcript {
  readonly #parts: string[] = [];
  readonly #replacements: readonly (readonly [found: string, shown: string])[];

  constructor(replacements: readonly (readonly [found: string, shown: string])[]) {
    this.#replacements = replacements;
  }

  text(paragraph: string): void {
    this.#parts.push(paragraph);
  }

  /** One command with everything that it printed. */
  session(...commands: readonly (readonly [typed: string, seen: PushResult | string])[]): void {
    const lines = commands.flatMap(([typed, seen]) => [
      `$ ${typed}`,
      ...shownLines(typeof seen === 'string' ? seen : seen.text),
    ]);
    this.#parts.push(['```console', ...lines, '```'].join('\n'));
  }

  render(): string {
    const raw = `${this.#parts.join('\n\n')}\n`;
    return this.#replacements.reduce((text, [found, shown]) => text.replaceAll(found, shown), raw);
  }
}

/** git pads what comes from a server with spaces. */
function shownLines(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** The document without what differs from run to run: times, sizes, ids. */
export function unvarying(document: string): string {
  return document
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)/g, 'TIME')
    .replaceAll(/Time: .* ms$/gm, 'Time: …')
    .replaceAll(/\b[0-9a-f]{7}\b/g, 'COMMIT')
    .replaceAll(/[0-9]+(\.[0-9]+)?/g, 'N')
    .replaceAll(/\bN min\b/g, 'N s') // on a slow machine
    .replaceAll(
      /(?:N of N (?:counted )?requests? failed|No requests (?:came|were counted)) in the switch.*/g,
      'The switch.',
    )
    .replaceAll(/^.*(?:Not all requests were counted: |The final figures: ).*\n/gm, '') // on a busy machine
    .replaceAll(/ ago {2,}/g, ' ago  '); // a column is as wide as its longest time
}
