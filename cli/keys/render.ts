import type { KeyBody } from '../../shared/api/identity.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderTable } from '../terminal/table.ts';

export function renderKeys(keys: readonly KeyBody[], paint: Paint): string {
  if (keys.length === 0) return 'You have no SSH keys here. Add one with: slipway keys:add\n';
  const rows = keys.map((key) => [key.fingerprint, key.publicKey.split(' ')[0] ?? '', key.comment]);
  return `=== ${paint.bold('SSH keys')}\n${renderTable(rows)}`;
}
