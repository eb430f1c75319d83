// static.json, as the Heroku static buildpack knows it: root, clean_urls, error_page, routes, redirects, headers.

/** @param text content of static.json, or undefined. @param exists tells whether a path below the app is a file. */
export function parseSite(text, exists) {
  const given = text === undefined ? {} : JSON.parse(text);
  return {
    root: safeRoot(typeof given.root === 'string' ? given.root : usualRoot(exists)),
    cleanUrls: given.clean_urls === true,
    errorPage: typeof given.error_page === 'string' ? given.error_page : '404.html',
    routes: patterns(given.routes),
    redirects: patterns(given.redirects),
    headers: patterns(given.headers),
  };
}

function usualRoot(exists) {
  return ['public', 'public_html'].find((folder) => exists(`${folder}/index.html`)) ?? '.';
}

function safeRoot(root) {
  const clean = root.replace(/^\/+|\/+$/g, '');
  if (clean.split('/').includes('..')) throw new Error('static.json: root must lie inside the app.');
  return clean === '' ? '.' : clean;
}

/** `/**` any depth, `*` one segment. */
function patterns(table) {
  return Object.entries(table ?? {}).map(([glob, value]) => ({ test: globToRegExp(glob), value }));
}

function globToRegExp(glob) {
  const source = glob
    .split(/(\*\*|\*)/)
    .map((part) => (part === '**' ? '.*' : part === '*' ? '[^/]*' : part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&')))
    .join('');
  return new RegExp(`^${source}$`);
}
