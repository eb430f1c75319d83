import { it } from 'node:test';
import { renderGarbage } from '../../../../cli/gc/render.ts';
import { assertScreen, context } from '../../../support/cli-screens.ts';

const IMAGE = {
  digest: `sha256:${'a'.repeat(64)}`,
  sizeBytes: 13_000_000,
  releases: [{ app: 'shop', versions: [2, 3] }],
};

it('shows what would go, of which app, and how much it frees', () => {
  const garbage = {
    dryRun: true,
    sizeBytes: 13_001_000,
    images: [IMAGE, { ...IMAGE, digest: `sha256:${'b'.repeat(64)}`, sizeBytes: 1000, releases: [] }],
    releases: [{ app: 'shop', versions: [2, 3] }],
  };
  assertScreen(renderGarbage(garbage, context.paint), [
    '=== Releases that would lose their slug',
    'shop  v2, v3',
    '=== Images of the controller that would be removed',
    'aaaaaaaaaaaa  13.0 MB  shop v2, v3',
    'bbbbbbbbbbbb  1.0 kB   no release has it',
    '13.0 MB would be removed.',
    'Remove them with: slipway gc',
  ]);
});

it('says when there is nothing to remove', () => {
  assertScreen(renderGarbage({ dryRun: false, sizeBytes: 0, images: [], releases: [] }, context.paint), [
    'There is nothing to remove.',
  ]);
});
