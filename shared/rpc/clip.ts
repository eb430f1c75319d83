import { MAX_TEXT_LENGTH } from './fields.ts';

/** Free text of bounded length, with a mark where something was cut. */
export function clip(value: string, max = MAX_TEXT_LENGTH): string {
  return value.length <= max ? value : `${value.slice(0, max - 1)}…`;
}
