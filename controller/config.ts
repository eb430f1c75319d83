import { z } from 'zod';
import { MIN_LOST_AFTER_MS } from '../shared/domain/lost-after.ts';
import { QUOTA_CEILING, QUOTA_NAMES, quotaTrouble, type Quotas } from '../shared/domain/quota.ts';
import { readConfigFile } from '../shared/kit/config-file.ts';

const listenAddress = z.strictObject({
  /** Address to bind. */
  host: z.string().default('127.0.0.1'),
  /** 0: any free port. */
  port: z.number().int().min(0).max(65535),
});

const schema = z.strictObject({
  /** Absolute path of the folder with all state of the controller. It is created (mode 0700) when absent. */
  stateDir: z.string().startsWith('/'),
  /** Git over SSH, for people who push. */
  ssh: listenAddress,
  /** HTTPS API, for the CLI and for joining nodes. */
  api: listenAddress,
  /** gRPC sessions, for agents. */
  agents: listenAddress,
  /** Name or address of this machine for people and agents. Certificates and addresses contain it. */
  publicHost: z.string().default('127.0.0.1'),
  /** Further names and addresses for the certificate. */
  extraNames: z.array(z.string()).default([]),
  /** Apps answer under `<app>.<baseDomain>`. */
  baseDomain: z.string().default('localhost'),
  /** Files of a certificate for `*.<baseDomain>`, PEM. They are read at each start. */
  baseCertificate: z
    .strictObject({ certificate: z.string().startsWith('/'), key: z.string().startsWith('/') })
    .optional(),
  /** Public port of the proxies, for the URL at the end of a push. */
  webPort: z.number().int().default(80),
  /** The first push of an authorised user creates the app. */
  createOnPush: z.boolean().default(true),
  /** Stack of new apps. */
  defaultStack: z.string().default('host'),
  /** Folder for the programs that nodes download. Several controllers may share it. Default: `programs` in stateDir. */
  programsDir: z.string().startsWith('/').optional(),
  /** Limits of builds; the defaults are Heroku's. */
  build: z
    .strictObject({
      timeoutMs: z.number().int().positive().optional(),
      slugLimitBytes: z.number().int().positive().optional(),
      outputLimitBytes: z.number().int().positive().optional(),
    })
    .default({}),
  /** Quotas of each user. An absent one has its default of `QUOTA_KINDS`. `users:quotas` sets other numbers for one user. */
  quotas: z
    .partialRecord(z.enum(QUOTA_NAMES), z.number().int().min(0).max(QUOTA_CEILING))
    .refine((quotas) => quotaTrouble(quotas) === undefined, {
      error: ({ input }) => quotaTrouble(input as Partial<Quotas>) ?? '',
    })
    .default({}),
  /** Time limits of rollouts, ms. */
  rollout: z
    .strictObject({
      startTimeoutMs: z.number().int().positive().optional(),
      settleMs: z.number().int().min(0).optional(),
      bakeMs: z.number().int().min(0).optional(),
      roomTimeoutMs: z.number().int().min(0).optional(),
    })
    .default({}),
  /** How names are looked at before a certificate is ordered. */
  acme: z
    .strictObject({
      /** `address:port` of DNS servers. Default: those of the machine. */
      dnsServers: z.array(z.string()).min(1).optional(),
      /** Where the certificate authority asks the nodes. Only a test CA asks another port than 80. */
      challengePort: z.number().int().min(1).max(65535).default(80),
      /** Port of the name servers of domains. Only a test has another port than 53. */
      dnsPort: z.number().int().min(1).max(65535).default(53),
      /** Folder with the programs of DNS providers of the kind exec. Default: `dns-programs` in stateDir. */
      dnsProgramsDir: z.string().startsWith('/').optional(),
    })
    .default({ challengePort: 80, dnsPort: 53 }),
  /** A node is lost after this silence, when an app has no other setting (`apps:lost-after`). */
  lostAfterMs: z.number().int().min(MIN_LOST_AFTER_MS).default(60_000),
  /** For tests: each answer of the API is compared with its schema, and a difference fails the request. */
  checksAnswers: z.boolean().default(false),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

/** The complete settings of the controller. No other file reads the environment or adds defaults. */
export type ControllerConfig = z.infer<typeof schema>;

/** @throws SLIP_CONFIG_FILE with the file and the field */
export function readControllerConfig(path: string): Promise<ControllerConfig> {
  return readConfigFile(path, schema);
}

/** Address of an app as people see it. */
export function webUrl({ baseDomain, webPort }: ControllerConfig, app: string): string {
  return `http://${app}.${baseDomain}${webPort === 80 ? '' : `:${String(webPort)}`}`;
}

/** Git address of an app as people see it. @param port of the SSH server */
export function gitUrl({ publicHost }: ControllerConfig, port: number, app: string): string {
  return `ssh://slipway@${publicHost}:${String(port)}/${app}.git`;
}
