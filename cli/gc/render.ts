import type { GarbageBody } from '../../shared/api/release-history.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderTable } from '../terminal/table.ts';
import { renderBytes } from '../terminal/time.ts';

export function renderGarbage({ dryRun, sizeBytes, images, releases }: GarbageBody, paint: Paint): string {
  if (images.length === 0 && releases.length === 0) return 'There is nothing to remove.\n';
  const [will, would] = dryRun ? ['would be removed', 'would lose'] : ['were removed', 'lost'];
  const slugs = releases.map(({ app, versions }) => [app, versions.map((version) => `v${String(version)}`).join(', ')]);
  const files = images.map((image) => [
    image.digest.slice('sha256:'.length, 'sha256:'.length + 12),
    renderBytes(image.sizeBytes),
    image.releases.map(({ app, versions }) => `${app} v${versions.join(', v')}`).join('; ') || 'no release has it',
  ]);
  const lost =
    slugs.length === 0 ? '' : `=== ${paint.bold(`Releases that ${would} their slug`)}\n${renderTable(slugs)}`;
  const gone =
    files.length === 0 ? '' : `=== ${paint.bold(`Images of the controller that ${will}`)}\n${renderTable(files)}`;
  const next = dryRun ? 'Remove them with: slipway gc\n' : '';
  return `${lost}${gone}${renderBytes(sizeBytes)} ${will}.\n${next}`;
}
