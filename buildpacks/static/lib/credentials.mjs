// Basic authentication: the user names and passwords of the config variables or of .htpasswd.
import { createHash, timingSafeEqual } from 'node:crypto';
import { SiteError } from './site.mjs';

const HINT = 'slipway config:set BASIC_AUTH_USERNAME=… BASIC_AUTH_PASSWORD=…';
const ITOA64 = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * A function that checks an Authorization header; undefined when the site needs no password.
 * @param env config variables @param htpasswd content of .htpasswd, or undefined
 */
export function createGuard(site, env, htpasswd) {
  const { BASIC_AUTH_USERNAME: user = '', BASIC_AUTH_PASSWORD: password = '' } = env;
  // As on Heroku, a user name in the config variables protects the site even without the key in static.json.
  if (!site.basicAuth && user === '') return undefined;
  const accounts = user === '' ? parseHtpasswd(htpasswd ?? '') : new Map([[user, checkSecret(password, true)]]);
  if (accounts.size === 0 || (user !== '' && password === '')) {
    throw new SiteError(`static.json asks for "basic_auth", but there is no user name and password. Set them: ${HINT}`);
  }
  return rememberLast((header) => opens(accounts, header));
}

function parseHtpasswd(text) {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [user, ...rest] = line.split(':');
      return [user, checkSecret(rest.join(':'), false)];
    }),
  );
}

/** A hash of an unknown kind is refused at the start: otherwise no visitor could log in. */
function checkSecret(secret, isPlainAllowed) {
  if (/^(\$apr1\$|\{SHA\}|\{SSHA\}|\{PLAIN\})/.test(secret)) return secret;
  if (isPlainAllowed && !/^[$][0-9a-z]{1,8}[$]/.test(secret)) return `{PLAIN}${secret}`;
  throw new SiteError(
    'This kind of password hash is not supported in .htpasswd or BASIC_AUTH_PASSWORD. Make one with: openssl passwd -apr1',
  );
}

function opens(accounts, header) {
  const [, encoded = ''] = /^Basic +([A-Za-z0-9+/=_-]+)$/i.exec(header) ?? [];
  const given = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = given.indexOf(':');
  if (colon < 0) return false;
  const secret = accounts.get(given.slice(0, colon));
  // An unknown user takes as long as a known one.
  const isRight = matches(given.slice(colon + 1), secret ?? [...accounts.values()][0]);
  return isRight && secret !== undefined;
}

function matches(password, secret) {
  if (secret.startsWith('{PLAIN}')) return same(password, secret.slice(7));
  if (secret.startsWith('{SHA}')) return same(createHash('sha1').update(password).digest('base64'), secret.slice(5));
  if (secret.startsWith('{SSHA}')) return matchesSalted(password, Buffer.from(secret.slice(6), 'base64'));
  const [, , salt = ''] = secret.split('$').slice(0, 3).concat('');
  return same(apr1(password, salt), secret);
}

function matchesSalted(password, bytes) {
  const digest = createHash('sha1').update(password).update(bytes.subarray(20)).digest();
  return same(digest.toString('hex'), bytes.subarray(0, 20).toString('hex'));
}

function same(a, b) {
  const digest = (text) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** The MD5 scheme of Apache: `openssl passwd -apr1`. */
export function apr1(password, salt) {
  const md5 = (...parts) => {
    const hash = createHash('md5');
    for (const part of parts) hash.update(part);
    return hash.digest();
  };
  const secret = Buffer.from(password, 'utf8');
  const inner = md5(secret, salt, secret);
  const first = [secret, '$apr1$', salt];
  for (let left = secret.length; left > 0; left -= 16) first.push(inner.subarray(0, Math.min(16, left)));
  for (let bits = secret.length; bits > 0; bits >>= 1) first.push(bits & 1 ? Buffer.from([0]) : secret.subarray(0, 1));
  let digest = md5(...first);
  for (let round = 0; round < 1000; round++) {
    const parts = [round % 2 === 1 ? secret : digest];
    if (round % 3 !== 0) parts.push(salt);
    if (round % 7 !== 0) parts.push(secret);
    parts.push(round % 2 === 1 ? digest : secret);
    digest = md5(...parts);
  }
  return `$apr1$${salt}$${encode(digest)}`;
}

function encode(digest) {
  const groups = [
    [0, 6, 12],
    [1, 7, 13],
    [2, 8, 14],
    [3, 9, 15],
    [4, 10, 5],
  ];
  const text = (value, length) => Array.from({ length }, (_, index) => ITOA64[(value >> (6 * index)) & 63]).join('');
  return (
    groups.map(([a, b, c]) => text((digest[a] << 16) | (digest[b] << 8) | digest[c], 4)).join('') + text(digest[11], 2)
  );
}

/** A browser sends the same header with every request: the thousand rounds of a hash are done once. */
function rememberLast(check) {
  let last = '';
  return (header = '') => {
    if (last !== '' && same(header, last)) return true;
    if (!check(header)) return false;
    last = header;
    return true;
  };
}
