const { createServer } = require('node:http');

// Change it, commit, push: the next answer has the new one.
const VERSION = 'v1';

const server = createServer((request, response) => {
  response.setHeader('content-type', 'text/plain');
  response.end(`Hello from ${process.env.DYNO ?? 'nowhere'}, ${VERSION}\n`);
});

server.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`listening on ${server.address().port}`);
});

// A new release takes over: finish what is open, then end.
process.once('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
