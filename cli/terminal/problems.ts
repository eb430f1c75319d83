import type { ProblemBody } from '../../shared/api/schema.ts';
import { oneLine } from './escape.ts';
import type { Paint } from './paint.ts';

/** Each problem, and below it the next command. */
export function renderProblems(problems: readonly ProblemBody[], paint: Paint): string {
  return problems
    .map(({ message, next }) => ` ${paint.red('!')}    ${oneLine(message)}\n      ${oneLine(next)}\n`)
    .join('');
}
