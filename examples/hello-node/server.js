const { createServer } = require('node:http');

// Change this, commit and push: the next answer has the new version.
const VERSION = 'v1';

const server = createServer((request, response) => {
  response.setHeader('content-type', 'text/plain');
  response.end(`Hello from ${process.env.DYNO ?? 'nowhere'}, ${VERSION}\n`);
});

server.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`listening on ${server.address().port}`);
});

// A new release takes over. Finish open requests, then exit.
process.once('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
