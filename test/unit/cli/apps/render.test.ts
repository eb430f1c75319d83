import { describe, it } from 'node:test';
import { renderAppInfo, renderApps } from '../../../../cli/apps/render.ts';
import { plainPaint } from '../../../../cli/terminal/paint.ts';
import { NOW, app, assertScreen, release } from '../../../support/cli-screens.ts';

describe('the screen of apps', () => {
  it('lists apps', () => {
    assertScreen(renderApps([app, { ...app, name: 'a-longer-name', owner: 'bob' }], plainPaint), [
      '=== Apps',
      'shop           ada  http://shop.localhost:8080',
      'a-longer-name  bob  http://shop.localhost:8080',
    ]);
    assertScreen(renderApps([], plainPaint), ['You have no apps. Create one with: slipway create']);
  });

  it('shows one app without unknown fields', () => {
    const info = { ...app, release, formation: { web: 2 }, buildpacks: ['Node.js'], slugSizeBytes: 13_400_000 };
    assertScreen(renderAppInfo(info, plainPaint, NOW), [
      '=== shop',
      'Release:     v3, Deploy abc1234, 3 min ago',
      'Web URL:     http://shop.localhost:8080',
      'Git URL:     ssh://slipway@127.0.0.1:2222/shop.git',
      'Owner:       ada',
      'Stack:       host',
      'Buildpacks:  Node.js',
      'Processes:   web=2',
      'Slug size:   13.4 MB',
      'Created:     2026-11-20 00:00:00',
    ]);
  });
});
