import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderBuilds } from '../../../../cli/builds/render.ts';
import { renderPromoted, renderReleases, renderRolledBack } from '../../../../cli/releases/render.ts';
import type { BuildBody } from '../../../../shared/api/builds.ts';
import type { ReleaseBody } from '../../../../shared/api/releases.ts';
import { MINUTE, NOW, assertScreen, context, release } from '../../../support/cli-screens.ts';

describe('the screen of releases and builds', () => {
  it('lists releases and builds with their failures', () => {
    const failed: ReleaseBody = {
      ...release,
      version: 4,
      state: 'failed',
      failure: { code: 'X', message: 'web.1 never bound its port.' },
    };
    assertScreen(renderReleases('shop', [failed, release], context), [
      '=== shop releases',
      'v4  failed   Deploy abc1234  ada  3 min ago  web.1 never bound its port.',
      'v3  current  Deploy abc1234  ada  3 min ago',
    ]);
    assertScreen(renderReleases('shop', [release], { ...context, isEnd: true }), [
      '=== shop releases',
      'v3  current  Deploy abc1234  ada  3 min ago',
      'Slipway keeps the newest 200 releases, and older ones that serve, that have instances, or that served last.',
    ]);
    const build: BuildBody = {
      id: 'b1',
      state: 'running',
      commit: release.commit,
      user: 'ada',
      createdAtMs: NOW - MINUTE,
      timingsMs: {},
    };
    const done: BuildBody = { ...build, id: 'b0', state: 'succeeded', finishedAtMs: NOW - 45_000 };
    assertScreen(renderBuilds('shop', [build, done], context), [
      '=== shop builds',
      'b1  running    abc1234  ada  60 s ago',
      'b0  succeeded  abc1234  ada  60 s ago  took 15 s',
    ]);
  });

  it('says which config vars and health checks a rollback changed', () => {
    const body = { version: 9, to: 7, commit: release.commit, changed: [], changedChecks: ['web'], from: 8 };
    assertScreen(renderRolledBack('shop', body), [
      `Rolled back shop to v7 (commit ${release.commit.slice(0, 7)}), live as v9`,
      'The config vars did not change.',
      'The health checks of checks:set are those of v7 again. Changed: web.',
      'Undo with: slipway rollback v8 -a shop',
    ]);
  });

  it('says what was promoted, and whose config vars it has', () => {
    const from = { app: 'staging', version: 7 };
    assertScreen(renderPromoted({ app: 'shop', version: 3, from, commit: release.commit }), [
      `Promoted v7 of staging (commit ${release.commit.slice(0, 7)}) to shop: it is live there as v3, with the config vars of shop`,
    ]);
  });

  it('says which scripts of app.json failed after a promotion', () => {
    const failedScripts = ['scripts.postdeploy failed: release.setup.3 of shop exited with status 1.'];
    const promoted = { app: 'shop', version: 3, from: { app: 'staging', version: 7 }, commit: release.commit };
    const screen = renderPromoted({ ...promoted, failedScripts });
    assert.match(
      screen,
      /live there as v3.*\n !     scripts\.postdeploy failed: .* status 1\.\n !     Look at .* releases:output v3/,
    );
  });
});
