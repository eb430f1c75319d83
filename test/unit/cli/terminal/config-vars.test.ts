import { describe, it } from 'node:test';
import { renderConfig } from '../../../../cli/terminal/config-vars.ts';
import { plainPaint } from '../../../../cli/terminal/paint.ts';
import { renderConfigForShell } from '../../../../cli/terminal/shell-assignments.ts';
import { assertScreen } from '../../../support/cli-screens.ts';

describe('the screen of config vars', () => {
  it('shows config for people and for shells', () => {
    const config = { config: { A: '1', GREETING: "it's here" } };
    assertScreen(renderConfig('shop', config, plainPaint), [
      '=== shop config vars',
      'A:         1',
      "GREETING:  it's here",
    ]);
    assertScreen(renderConfigForShell(config), ['A=1', `GREETING='it'\\''s here'`]);
  });
});
