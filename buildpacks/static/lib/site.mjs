// Reads static.json as the static buildpack of Heroku does. A key without effect is an error or a warning, because a site must
// never be more open than its file says.

const HONOURED = new Set([
  'root',
  'clean_urls',
  'error_page',
  'routes',
  'redirects',
  'headers',
  'https_only',
  'canonical_host',
  'basic_auth',
  'proxies',
  'encoding',
]);
/** Settings of nginx, which Slipway does not use. They change nothing for a visitor. */
const WITHOUT_EFFECT = new Set(['debug', 'logging', 'resolver', 'worker_connections']);
/** RFC 9110: a token. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const REDIRECT_STATUS = new Set([301, 302, 303, 307, 308]);

/** static.json contains a setting that cannot be applied. The message is for the owner of the app. */
export class SiteError extends Error {}

/**
 * @param text content of static.json, or undefined
 * @param exists tells whether a path below the app is a file
 * @param env values for `${NAME}`; undefined during the build, when the names stay unchanged
 */
export function parseSite(text, exists, env) {
  const given = text === undefined ? {} : parseObject(text);
  refuseUnknown(given);
  const expand = (value) => (env === undefined ? value : expandVariables(value, env));
  return {
    root: safeRoot(read(given, 'root', 'string') ?? usualRoot(exists)),
    cleanUrls: read(given, 'clean_urls', 'boolean') ?? false,
    errorPage: read(given, 'error_page', 'string') ?? '404.html',
    encoding: encoding(read(given, 'encoding', 'string')),
    httpsOnly: read(given, 'https_only', 'boolean') ?? false,
    canonicalHost: hostName(read(given, 'canonical_host', 'string'), expand),
    basicAuth: read(given, 'basic_auth', 'boolean') ?? false,
    routes: patterns(table(given, 'routes'), routeTarget),
    redirects: patterns(table(given, 'redirects'), (value, glob) => redirectTarget(value, glob, expand)),
    headers: patterns(table(given, 'headers'), headerTable),
    proxies: proxyTable(table(given, 'proxies'), expand),
    warnings: Object.keys(given)
      .filter((key) => WITHOUT_EFFECT.has(key))
      .map((key) => `static.json: "${key}" is a setting of nginx and has no effect here.`),
  };
}

function parseObject(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SiteError('static.json is not valid JSON.');
  }
  if (!isTable(value)) throw new SiteError('static.json must hold an object: { … }.');
  return value;
}

function isTable(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuseUnknown(given) {
  // Keys such as `$schema` and `_comment` are notes.
  const unknown = Object.keys(given).filter(
    (key) => !HONOURED.has(key) && !WITHOUT_EFFECT.has(key) && !/^[$_]/.test(key),
  );
  if (unknown.length > 0) {
    throw new SiteError(
      `static.json: the static buildpack does not know ${unknown.map((key) => `"${key.slice(0, 60)}"`).join(', ')}.`,
    );
  }
}

function read(given, key, type) {
  const value = given[key] ?? undefined;
  if (value !== undefined && typeof value !== type) {
    throw new SiteError(
      `static.json: "${key}" must be ${type === 'boolean' ? 'true or false, without quotes' : 'a text in quotes'}.`,
    );
  }
  return value;
}

function table(given, key) {
  const value = given[key] ?? {};
  if (!isTable(value)) throw new SiteError(`static.json: "${key}" must be an object: { … }.`);
  return value;
}

function usualRoot(exists) {
  return ['public', 'public_html'].find((folder) => exists(`${folder}/index.html`)) ?? '.';
}

function safeRoot(root) {
  const clean = root.replace(/^(\.?\/+)+|\/+$/g, '');
  if (clean.split('/').includes('..')) throw new SiteError('static.json: "root" must lie inside the app.');
  return clean === '' ? '.' : clean;
}

function encoding(name = 'utf-8') {
  if (!/^[A-Za-z0-9_-]{1,40}$/.test(name))
    throw new SiteError('static.json: "encoding" must be the name of a character set, such as "UTF-8".');
  return name.toLowerCase();
}

function hostName(name, expand) {
  if (name === undefined) return undefined;
  const host = expand(name);
  if (!/^(\$\{\w+\}|[A-Za-z0-9.:-])+$/.test(host))
    throw new SiteError('static.json: "canonical_host" must be a host name, without https:// and path.');
  return host;
}

function routeTarget(value, glob) {
  if (typeof value !== 'string') throw new SiteError(`static.json: the route "${glob}" must name a file.`);
  return value;
}

function redirectTarget(value, glob, expand) {
  const { url, status = 301, ...rest } = isTable(value) ? value : {};
  if (typeof url !== 'string' || !REDIRECT_STATUS.has(status) || Object.keys(rest).length > 0) {
    throw new SiteError(
      `static.json: the redirect "${glob}" must be { "url": "…", "status": 301 }; the status may be 301, 302, 303, 307 or 308.`,
    );
  }
  return { url: expand(url), status };
}

function headerTable(value, glob) {
  for (const [name, text] of Object.entries(isTable(value) ? value : { '': '' })) {
    if (
      !HEADER_NAME.test(name) ||
      !['string', 'number', 'boolean'].includes(typeof text) ||
      !HEADER_VALUE.test(String(text))
    ) {
      throw new SiteError(`static.json: the headers of "${glob}" must be { "Name": "value" }.`);
    }
  }
  return value;
}

/** Longest prefix first, as in nginx. */
function proxyTable(given, expand) {
  return Object.entries(given)
    .map(([prefix, value]) => ({ prefix, origin: proxyOrigin(prefix, value, expand) }))
    .sort((a, b) => b.prefix.length - a.prefix.length);
}

function proxyOrigin(prefix, value, expand) {
  const { origin, ...rest } = isTable(value) ? value : {};
  const text = typeof origin === 'string' ? expand(origin) : '';
  if (!prefix.startsWith('/') || Object.keys(rest).length > 0 || !/^(https?:\/\/|\$\{)/.test(text)) {
    throw new SiteError(
      `static.json: the proxy "${prefix}" must be a path that begins with / and { "origin": "https://…" }.`,
    );
  }
  return text;
}

function expandVariables(text, env) {
  return text.replace(/\$\{(\w+)\}/g, (_, name) => {
    if (env[name] === undefined)
      throw new SiteError(`static.json names \${${name}}, but there is no such config variable.`);
    return env[name];
  });
}

/** Names of the variables that the file needs at run time. */
export function variablesOf(site) {
  const texts = [
    site.canonicalHost ?? '',
    ...site.redirects.map(({ value }) => value.url),
    ...site.proxies.map(({ origin }) => origin),
  ];
  return [...new Set(texts.flatMap((text) => [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name)))];
}

/** `/**` matches any depth, `*` matches one segment. */
function patterns(given, check) {
  return Object.entries(given).map(([glob, value]) => ({ test: globToRegExp(glob), value: check(value, glob) }));
}

function globToRegExp(glob) {
  const source = glob
    .split(/(\*\*|\*)/)
    .map((part) => (part === '**' ? '.*' : part === '*' ? '[^/]*' : part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&')))
    .join('');
  return new RegExp(`^${source}$`);
}
