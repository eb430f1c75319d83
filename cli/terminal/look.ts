import type { Paint } from './paint.ts';

export interface Look {
  readonly paint: Paint;
  readonly nowMs: number;
}

export interface PageLook extends Look {
  /** Whether the list ends with the oldest entry that is kept. */
  readonly isEnd?: boolean;
}
