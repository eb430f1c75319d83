import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderNames, sayServed, sayStep } from '../../../cli/name-https.ts';
import { plainPaint } from '../../../cli/terminal/paint.ts';

const hostname = 'shop.example.com';
const served = { hostname, state: 'serving', notAfterMs: 90 * 86_400_000, renewAtMs: 0, everywhere: true } as const;

test('the domains of an app have their state, and a problem has its own line', () => {
  const problem = { message: 'It has no A record.', next: 'Add one.' };
  const blocked = { hostname: 'b.example.com', state: 'blocked', everywhere: false, problem } as const;
  const text = renderNames([served, blocked], { paint: plainPaint, nowMs: 0 });
  assert.match(text, /shop\.example\.com\s+automatic, served by every node\s+is renewed about 1970-01-01/);
  assert.match(text, /b\.example\.com\s+blocked\s+Add one\./);
  assert.match(text, / !\s+b\.example\.com: It has no A record\.\n$/);
  assert.equal(renderNames([], { paint: plainPaint, nowMs: 0 }), '');
});

test('a step is one line, and an end is a sentence', () => {
  assert.equal(
    sayStep({ ...served, state: 'checking' }),
    `${hostname}: checks the name as the certificate authority will\n`,
  );
  assert.equal(sayStep(served), undefined);
  assert.equal(
    sayServed(served),
    'Every connected node serves https://shop.example.com. The certificate ends on 1970-04-01, and is renewed before.\n',
  );
});
