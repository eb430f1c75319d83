import { describe, it } from 'node:test';
import { renderBuilders } from '../../../../cli/builders/render.ts';
import { plainPaint } from '../../../../cli/terminal/paint.ts';
import { assertScreen } from '../../../support/cli-screens.ts';

describe('the builders', () => {
  const builds = { name: 'attic' };
  const lacks = { name: 'fra-1', whyNot: 'it has no label role, role=build is required' };

  it('are listed with the reason why a node does not build, and with a warning if none builds', () => {
    assertScreen(renderBuilders({ require: { role: 'build' }, nodes: [builds, lacks] }, plainPaint), [
      '=== Builders',
      'Only nodes with role=build may build.',
      'attic  builds',
      'fra-1  does not  it has no label role, role=build is required',
    ]);
    assertScreen(renderBuilders({ require: { role: 'build' }, nodes: [lacks] }, plainPaint), [
      '=== Builders',
      'Only nodes with role=build may build.',
      'fra-1  does not  it has no label role, role=build is required',
      '',
      ' !    No node may build now, so every push is refused.',
      '      slipway builders:set --any',
    ]);
  });
});
