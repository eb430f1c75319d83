import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderRotation } from '../../../../cli/controller/render.ts';

test('a rotation names the file to back up, and says what older backups need', () => {
  const text = renderRotation({ keyId: '0123456789abcdef', encrypted: 1, keyFile: '/state/config.key' });
  assert.equal(
    text,
    `The key of the config values is now 0123456789abcdef. 1 text was encrypted again.
Back up the new /state/config.key now, in another place than the database.
Backups of the database that are older than now still need the former key file. Keep it as long as you keep them.
`,
  );
});
