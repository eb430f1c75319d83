import type { Paint } from './paint.ts';
import type { Cell } from './table.ts';

const COLOURS: Readonly<Record<string, 'green' | 'red' | 'yellow' | undefined>> = {
  current: 'green',
  succeeded: 'green',
  failed: 'red',
  cancelled: 'yellow',
  deploying: 'yellow',
  pending: 'yellow',
  queued: 'yellow',
  running: 'yellow',
};

export function stateCell(state: string, paint: Paint): Cell {
  const colour = COLOURS[state];
  return colour === undefined ? state : { text: state, paint: paint[colour] };
}
