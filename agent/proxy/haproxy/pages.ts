/** Error pages of the proxy, for browsers and terminals. They say what happened and what the owner of the app can do. */

/**
 * All headers of a request, or of an answer, together. Heroku allows 8 kB for each line and names no total. Browsers send at most about 50 cookies
 * of 4 kB to one site, and common servers refuse more than 16 to 64 kB.
 */
export const HEADER_LIMIT_BYTES = 64 * 1024;

interface Page {
  readonly title: string;
  readonly lines: readonly string[];
}

const UNKNOWN: Page = {
  title: 'There is no app at this address',
  lines: [
    'No app on this server uses the host name in the address.',
    'If it is your app: `slipway apps` lists the addresses, and `slipway ps -a APP` shows whether its process type web runs.',
  ],
};
const IDLE: Page = {
  title: 'This app has no running web process',
  lines: [
    'No instance of it is ready to answer. It may be starting, stopped, or it may have crashed.',
    'If it is your app: `slipway ps -a APP` shows its processes, and `slipway logs -a APP` shows their output.',
  ],
};
const FAILED: Page = {
  title: 'This app could not answer',
  lines: [
    'Its web process refused or closed the connection, sent no valid HTTP response, or took too long.',
    `A response with more than ${String(HEADER_LIMIT_BYTES / 1024)} kB of headers fails as well.`,
    'If it is your app: `slipway logs -a APP` shows the request with its H code, and the output of the app.',
  ],
};
const MAINTENANCE: Page = {
  title: 'This app is in maintenance',
  lines: [
    'Its owner has paused it for a while. Please try again later.',
    'If it is your app: `slipway maintenance:off -a APP` ends the maintenance.',
  ],
};
const UNCERTIFIED: Page = {
  title: 'This address has no certificate on this server yet',
  lines: [
    'So the server showed a certificate of its own, and the browser warned of it. A new certificate usually takes a few minutes.',
    'Plain HTTP may work: replace https:// by http:// in the address.',
    'If it is your app: `slipway certs` shows its certificates, and what they wait for.',
  ],
};
const BAD_REQUEST: Page = {
  title: 'This request could not be understood',
  lines: ['Its Host header is missing, or it is not exactly one host name.'],
};
const TOO_SLOW: Page = {
  title: 'This request took too long to arrive',
  lines: ['Its headers were not complete within the time limit.'],
};

/** Status of an error of the proxy → raw response. Clients get 503 instead of 502 and 504, as on Heroku. */
export const PAGE_FILES = {
  400: '400.http',
  408: '408.http',
  502: '502.http',
  503: '503.http',
  504: '504.http',
} as const;

/** File name → content, for the folder of pages. */
export function renderPages(): Readonly<Record<string, string>> {
  return {
    'unknown.html': html(UNKNOWN),
    'unknown.txt': text(UNKNOWN, ' (%[var(txn.host)])'),
    'idle.html': html(IDLE),
    'idle.txt': text(IDLE),
    'maintenance.html': html(MAINTENANCE),
    'maintenance.txt': text(MAINTENANCE),
    'uncertified.html': html(UNCERTIFIED),
    'uncertified.txt': text(UNCERTIFIED),
    '400.http': raw('400 Bad Request', BAD_REQUEST),
    '408.http': raw('408 Request Time-out', TOO_SLOW),
    '502.http': raw('503 Service Unavailable', FAILED),
    '503.http': raw('503 Service Unavailable', FAILED),
    '504.http': raw('503 Service Unavailable', FAILED),
  };
}

/** The file of a page that an owner gave. @param name of its backend */
export function ownPageFile(name: string): string {
  return `${name}.html`;
}

function text(page: Page, detail = ''): string {
  return `${page.title}${detail}.\n${page.lines.join('\n')}\n`;
}

function html(page: Page): string {
  return [
    '<!doctype html>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">',
    `<title>${page.title}</title>`,
    '<style>body{font:1rem/1.6 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem}h1{font-size:1.4rem}</style>',
    `<h1>${page.title}</h1>`,
    ...page.lines.map((line) => `<p>${line.replaceAll(/`([^`]*)`/g, '<code>$1</code>')}</p>`),
    '',
  ].join('\n');
}

function raw(status: string, page: Page): string {
  const body = html(page);
  const headers = [
    'Content-Type: text/html; charset=utf-8',
    'Cache-Control: no-store',
    `Content-Length: ${String(Buffer.byteLength(body))}`,
  ];
  return `HTTP/1.1 ${status}\r\n${headers.join('\r\n')}\r\n\r\n${body}`;
}
