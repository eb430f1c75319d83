import { formatDuration } from '../../shared/kit/duration.ts';

export function renderRunning(): string {
  return '-----> Running release command...\n';
}

export function renderNoNodeYet(message: string, patienceMs: number): string {
  return ` !     ${message}\n !     Waiting up to ${formatDuration(patienceMs)} for a node.\n`;
}
