import type { ApiConfig, ApiDeps } from './deps.ts';
import type { Route } from './route.ts';
import { accountRoutes } from './routes/account.ts';
import { adminRoutes } from './routes/admin.ts';
import { appLifeRoutes } from './routes/app-life.ts';
import { appRoutes } from './routes/apps.ts';
import { archiveRoutes } from './routes/archives.ts';
import { attachRoutes } from './routes/attach.ts';
import { builderRoutes } from './routes/builders.ts';
import { buildSettingsRoutes } from './routes/build-settings.ts';
import { buildRoutes } from './routes/builds.ts';
import { ceilingRoutes } from './routes/ceilings.ts';
import { certificateRoutes } from './routes/certificates.ts';
import { checkRoutes } from './routes/checks.ts';
import { controllerRoutes } from './routes/controller.ts';
import { deployRoutes } from './routes/deploys.ts';
import { cronRoutes } from './routes/cron.ts';
import { destroyRoutes } from './routes/destroy.ts';
import { domainRoutes } from './routes/domains.ts';
import { edgeRoutes } from './routes/edge.ts';
import { egressRoutes } from './routes/egress.ts';
import { eventRoutes } from './routes/events.ts';
import { formationRoutes } from './routes/formation.ts';
import { fleetRoutes } from './routes/fleet.ts';
import { httpsRoutes } from './routes/https.ts';
import { tlsRoutes } from './routes/tls.ts';
import { identityRoutes } from './routes/identity.ts';
import { imageRoutes } from './routes/images.ts';
import { installRoutes } from './routes/install.ts';
import { joinRoutes } from './routes/join.ts';
import { logRoutes } from './routes/logs.ts';
import { nodeRoutes } from './routes/nodes.ts';
import { withOpenApi } from './routes/openapi.ts';
import { nodeIdentityRoutes } from './routes/node-identity.ts';
import { promoteRoutes } from './routes/promote.ts';
import { releaseRoutes } from './routes/releases.ts';
import { quotaRoutes } from './routes/quotas.ts';
import { runRoutes } from './routes/runs.ts';
import { whyRoutes } from './routes/why.ts';

/** The whole API: every route with who may call it. */
export function apiRoutes(config: ApiConfig, deps: ApiDeps): readonly Route[] {
  return withOpenApi(config, deps, [
    ...installRoutes(config, deps),
    ...joinRoutes(config, deps),
    ...nodeIdentityRoutes(deps),
    ...imageRoutes(deps),
    ...certificateRoutes(config, deps),
    ...accountRoutes(deps),
    ...appRoutes(config, deps),
    ...appLifeRoutes(config, deps),
    ...deployRoutes(deps),
    ...destroyRoutes(config, deps),
    ...buildSettingsRoutes(deps),
    ...cronRoutes(deps),
    ...domainRoutes(config, deps),
    ...httpsRoutes(deps),
    ...formationRoutes(deps),
    ...runRoutes(deps),
    ...checkRoutes(deps),
    ...promoteRoutes(deps),
    ...releaseRoutes(deps),
    ...archiveRoutes(deps),
    ...buildRoutes(deps),
    ...attachRoutes(deps),
    ...logRoutes(deps),
    ...eventRoutes(deps),
    ...whyRoutes(deps),
    ...fleetRoutes(config, deps),
    ...nodeRoutes(deps),
    ...builderRoutes(deps),
    ...adminRoutes(config, deps),
    ...identityRoutes(config, deps),
    ...quotaRoutes(deps),
    ...ceilingRoutes(deps),
    ...egressRoutes(deps),
    ...edgeRoutes(deps),
    ...controllerRoutes(deps),
    ...tlsRoutes(deps),
  ]);
}
