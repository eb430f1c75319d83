import { appLifeSpecs } from './app-life.ts';
import { appSpecs } from './apps.ts';
import { archiveSpecs } from './archives.ts';
import { attachSpecs } from './attach.ts';
import { buildSpecs } from './builds.ts';
import { certificateSpecs } from './certificates.ts';
import { checkSpecs } from './checks.ts';
import { controllerSpecs } from './controller.ts';
import { dnsProviderSpecs } from './dns-providers.ts';
import { deploySpecs } from './deploys.ts';
import { cronSpecs } from './cron.ts';
import { domainSpecs } from './domains.ts';
import { edgeSpecs } from './edge.ts';
import { egressSpecs } from './egress.ts';
import { formationSpecs } from './formation.ts';
import { httpsSpecs } from './https.ts';
import { identitySpecs } from './identity.ts';
import { machineSpecs } from './machines.ts';
import { nodeSpecs } from './nodes.ts';
import { observeSpecs } from './observe.ts';
import { openApiSpecs } from './openapi.ts';
import { quotaSpecs } from './quotas.ts';
import { runSpecs } from './runs.ts';
import { releaseHistorySpecs } from './release-history.ts';
import { releaseSpecs } from './releases.ts';

/** Every route of the API by its operation id. */
export const API_ROUTES = {
  ...appSpecs,
  ...appLifeSpecs,
  ...attachSpecs,
  ...releaseSpecs,
  ...releaseHistorySpecs,
  ...archiveSpecs,
  ...buildSpecs,
  ...deploySpecs,
  ...cronSpecs,
  ...domainSpecs,
  ...httpsSpecs,
  ...dnsProviderSpecs,
  ...egressSpecs,
  ...edgeSpecs,
  ...formationSpecs,
  ...runSpecs,
  ...certificateSpecs,
  ...checkSpecs,
  ...nodeSpecs,
  ...observeSpecs,
  ...identitySpecs,
  ...quotaSpecs,
  ...controllerSpecs,
  ...machineSpecs,
  ...openApiSpecs,
};

export type ApiRoutes = typeof API_ROUTES;
export type OperationId = keyof ApiRoutes;
