import { MAX_TEXT_LENGTH } from './fields.ts';

/** Shortens free text, with a mark at the cut. */
export function clip(value: string, max = MAX_TEXT_LENGTH): string {
  return value.length <= max ? value : `${value.slice(0, max - 1)}…`;
}
