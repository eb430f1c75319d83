import type { Paint } from './paint.ts';

export interface RenderContext {
  readonly paint: Paint;
  readonly nowMs: number;
}

export interface PageContext extends RenderContext {
  /** Whether the list ends with the oldest entry that is kept. */
  readonly isEnd?: boolean;
}
