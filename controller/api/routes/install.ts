import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';
import { fillInstallScript } from '../../install/install-script.ts';
import { notFound } from '../api-errors.ts';
import type { ApiConfig, ApiDeps } from '../deps.ts';
import { createRateLimit } from '../rate-limit.ts';
import { anonymousRoute, userRoute, type Route } from '../route.ts';

const SCRIPT_RATE = { count: 60, perMs: 60_000 };
/** Anybody may download these large files. The limit is enough for a rack behind one address, and stops a flood. */
const FILE_RATE = { count: 120, perMs: 60_000 };

/** What a machine needs before it is a node. It has no secrets. The pinned key proves that it comes from this controller. */
export function installRoutes(config: ApiConfig, deps: ApiDeps): readonly Route[] {
  return [installScript(config, deps), programFile(deps), startUpgrade(deps), showUpgrade(deps)];
}

function installScript(config: ApiConfig, deps: ApiDeps): Route {
  const limit = createRateLimit(SCRIPT_RATE, deps.clock);
  return anonymousRoute('readInstallScript', {
    auth: 'anonymous',
    action: 'program.read',
    handle: async ({ request, reply }) => {
      limit.count(request.ip);
      const program = await deps.programs.current();
      // The controller fetches the larger files while the machine installs packages.
      void Promise.all([deps.programs.file(program.node.x64.name), deps.programs.file(program.npm.name)]).catch(
        (error: unknown) => deps.log.warn({ err: error }, 'program.prefetch_failed'),
      );
      const template = await readFile(join(config.productDir, 'install.sh'), 'utf8');
      reply.type('text/x-shellscript; charset=utf-8').header('cache-control', 'no-store');
      return fillInstallScript(template, {
        ...reachedAt(config, request),
        pin: deps.authority.pin,
        caPem: deps.authority.caPem,
        program,
      });
    },
  });
}

function programFile({ programs, clock }: ApiDeps): Route {
  const limit = createRateLimit(FILE_RATE, clock);
  return anonymousRoute('readProgram', {
    auth: 'anonymous',
    action: 'program.read',
    handle: async ({ params, request, reply }) => {
      limit.count(request.ip);
      const path = await programs.file(params.name);
      if (path === undefined) throw notFound('program of that name');
      reply.type('application/octet-stream').header('content-length', (await stat(path)).size);
      return createReadStream(path);
    },
  });
}

function startUpgrade({ upgrades }: ApiDeps): Route {
  return userRoute('startUpgrade', {
    auth: 'admin',
    action: 'node.manage',
    handle: ({ user, body }) => upgrades.start(body.nodes, user.name),
  });
}

function showUpgrade({ upgrades }: ApiDeps): Route {
  return userRoute('showUpgrade', {
    auth: 'admin',
    action: 'node.manage',
    handle: async () => upgrades.status(),
  });
}

/** The address and the pin of the key with which the caller reached this server. */
export function reachedAt(
  { publicHost }: ApiConfig,
  request: FastifyRequest,
): { readonly url: string; readonly keyPin: string } {
  const { socket } = request.raw;
  const host = isIPv6(publicHost) ? `[${publicHost}]` : publicHost;
  const key =
    socket instanceof TLSSocket
      ? socket.getX509Certificate()?.publicKey.export({ type: 'spki', format: 'der' })
      : undefined;
  const keyPin = `sha256//${createHash('sha256')
    .update(key ?? '')
    .digest('base64')}`;
  return { url: `https://${host}:${String(socket.localPort ?? 0)}`, keyPin };
}
