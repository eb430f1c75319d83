import { escapeControls, oneLine } from './escape.ts';

/** One line about a session that runs. */
export function renderNotice(text: string): string {
  return ` !    ${oneLine(escapeControls(text))}\n`;
}
