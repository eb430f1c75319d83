const express = require('express');
const { capitalize } = require('lodash');
const pino = require('pino');

// Change this, commit and push: the next answer has the new version.
const VERSION = 'v1';

const log = pino();
const app = express();

app.get('/', (request, response) => {
  response.type('text/plain').send(`${capitalize('hello')} from ${process.env.DYNO ?? 'nowhere'}, ${VERSION}\n`);
});

const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  log.info({ port: server.address().port }, 'listening');
});

// A new release takes over. Finish open requests, then exit.
process.once('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
