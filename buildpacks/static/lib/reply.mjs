// Short answers without a file.

export function redirectTo(response, status, location) {
  response.setHeader('Location', location);
  return end(response, status);
}

export function plain(response, status, text) {
  for (const name of ['Content-Encoding', 'Content-Length', 'ETag', 'Last-Modified']) response.removeHeader(name);
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.writeHead(status);
  response.end(`${text}\n`);
}

export function end(response, status) {
  response.writeHead(status);
  response.end();
}
