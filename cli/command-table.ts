import type { CommandSpec } from './command-spec.ts';
import { ACCOUNT_COMMANDS } from './account/spec.ts';
import { APPS_COMMANDS } from './apps/spec.ts';
import { BUILDERS_COMMANDS } from './builders/spec.ts';
import { CHECKS_COMMANDS } from './checks/spec.ts';
import { BUILDS_COMMANDS } from './builds/spec.ts';
import { BUILD_SETTINGS_COMMANDS } from './build-settings/spec.ts';
import { CONTROLLER_COMMANDS } from './controller/spec.ts';
import { CONFIG_COMMANDS } from './config/spec.ts';
import { DEPLOY_COMMANDS } from './deploy/spec.ts';
import { CRON_COMMANDS } from './cron/spec.ts';
import { CERTS_COMMANDS } from './certs/spec.ts';
import { DOMAINS_COMMANDS } from './domains/spec.ts';
import { EDGE_COMMANDS } from './edge/spec.ts';
import { EGRESS_COMMANDS } from './egress/spec.ts';
import { EVENTS_COMMANDS } from './events/spec.ts';
import { HTTPS_COMMANDS } from './https/spec.ts';
import { TLS_COMMANDS } from './tls/spec.ts';
import { GC_COMMANDS } from './gc/spec.ts';
import { KEYS_COMMANDS } from './keys/spec.ts';
import { LIMITS_COMMANDS } from './limits/spec.ts';
import { LOGS_COMMANDS } from './logs/spec.ts';
import { NODES_COMMANDS } from './nodes/spec.ts';
import { PLACEMENT_COMMANDS } from './placement/spec.ts';
import { PROXY_COMMANDS } from './proxy/spec.ts';
import { PS_COMMANDS } from './ps/spec.ts';
import { QUOTAS_COMMANDS } from './quotas/spec.ts';
import { REBALANCE_COMMANDS } from './rebalance/spec.ts';
import { RELEASES_COMMANDS } from './releases/spec.ts';
import { RUN_COMMANDS } from './run/spec.ts';
import { STATUS_COMMANDS } from './status/spec.ts';
import { TOKENS_COMMANDS } from './tokens/spec.ts';
import { USERS_COMMANDS } from './users/spec.ts';
import { WHY_COMMANDS } from './why/spec.ts';

/** All commands, in the order in which `slipway --help` lists them. */
export const COMMANDS: readonly CommandSpec[] = [
  ...APPS_COMMANDS,
  ...BUILD_SETTINGS_COMMANDS,
  ...DOMAINS_COMMANDS,
  ...CERTS_COMMANDS,
  ...HTTPS_COMMANDS,
  ...PS_COMMANDS,
  ...RUN_COMMANDS,
  ...CRON_COMMANDS,
  ...CHECKS_COMMANDS,
  ...PLACEMENT_COMMANDS,
  ...LOGS_COMMANDS,
  ...DEPLOY_COMMANDS,
  ...RELEASES_COMMANDS,
  ...BUILDS_COMMANDS,
  ...CONFIG_COMMANDS,
  ...STATUS_COMMANDS,
  ...EVENTS_COMMANDS,
  ...WHY_COMMANDS,
  ...NODES_COMMANDS,
  ...BUILDERS_COMMANDS,
  ...LIMITS_COMMANDS,
  ...REBALANCE_COMMANDS,
  ...EGRESS_COMMANDS,
  ...PROXY_COMMANDS,
  ...EDGE_COMMANDS,
  ...GC_COMMANDS,
  ...CONTROLLER_COMMANDS,
  ...TLS_COMMANDS,
  ...ACCOUNT_COMMANDS,
  ...KEYS_COMMANDS,
  ...TOKENS_COMMANDS,
  ...USERS_COMMANDS,
  ...QUOTAS_COMMANDS,
];

/** Other names of commands, and the command that each means. */
export const ALIASES: Readonly<Record<string, string>> = Object.fromEntries(
  COMMANDS.flatMap(({ name, aliases = [] }) => aliases.map((alias) => [alias, name])),
);
