import type { Paint } from './paint.ts';

export interface Look {
  readonly paint: Paint;
  readonly nowMs: number;
}

export interface PageLook extends Look {
  /** The list ends with the oldest that is kept. */
  readonly isEnd?: boolean;
}
