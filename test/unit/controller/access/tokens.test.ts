import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bearerToken, hashToken, newApiToken, newJoinToken } from '../../../../controller/access/tokens.ts';

describe('tokens', () => {
  it('are recognisable, long, never the same, and hide in logs', () => {
    const token = newApiToken();
    assert.match(token.secret.reveal(), /^slip_[A-Za-z0-9_-]{43}$/);
    assert.match(newJoinToken().secret.reveal(), /^slipjoin_/);
    assert.notEqual(newApiToken().secretHash, token.secretHash);
    assert.equal(token.secretHash, hashToken(token.secret.reveal()));
    assert.ok(!JSON.stringify(token).includes(token.secret.reveal()));
  });

  it('are read from a bearer header alone', () => {
    const secret = newApiToken().secret.reveal();
    assert.equal(bearerToken(`Bearer ${secret}`), secret);
    assert.equal(bearerToken(`bearer ${secret}`), secret);
    for (const bad of [undefined, '', secret, `Basic ${secret}`, `Bearer ${secret} x`, 'Bearer short'])
      assert.equal(bearerToken(bad), undefined);
  });
});
