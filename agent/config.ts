import { z } from 'zod';
import { readConfigFile } from '../shared/kit/config-file.ts';

const schema = z.strictObject({
  /** Absolute path of the folder for everything that the agent keeps: certificate, accepted documents, images, sandboxes, proxy. */
  stateDir: z.string().startsWith('/'),
  /** How apps are isolated. `process` isolates nothing and needs no root. */
  sandbox: z.enum(['lxc', 'nspawn', 'process']).default('lxc'),
  /** Whether builds may run on this node. */
  builder: z.boolean().default(true),
  /** Where the proxy listens for requests. */
  proxy: z
    .strictObject({
      address: z.string().default('*'),
      port: z.number().int().min(1).max(65535).default(80),
      /**
       * Addresses or networks (CIDR) of front proxies, such as a load balancer that ends TLS. The app gets their X-Forwarded-Proto and
       * X-Forwarded-Port. The headers of all other senders are replaced.
       */
      trust: z.array(z.string()).default([]),
      /** HTTPS on the same address. If another program has the port, the node answers plain HTTP only, and `slipway status` says so. */
      tls: z
        .union([z.literal(false), z.strictObject({ port: z.number().int().min(1).max(65535).default(443) })])
        .prefault({}),
      /**
       * Addresses or networks (CIDR) of load balancers that send the address of the client in a PROXY protocol header. Connections from
       * them without this header are closed.
       */
      proxyProtocol: z.array(z.string()).default([]),
      /** User and group of HAProxy's workers; only as root. */
      user: z.strictObject({ name: z.string(), group: z.string() }).optional(),
    })
    .prefault({}),
  /**
   * Requests between nodes, so that any node answers for any app. false: this node forwards no requests and takes none from other nodes.
   * `bind` is the address where it listens. `address` is the address for other nodes (absent: its own address on the route to the controller).
   */
  mesh: z
    .union([
      z.literal(false),
      z.strictObject({
        port: z.number().int().min(1).max(65535).default(7405),
        bind: z.union([z.literal('*'), z.ipv4()]).default('*'),
        address: z.ipv4().optional(),
      }),
    ])
    .prefault({}),
  /** Two agents on one machine need different values for all of these. */
  network: z
    .strictObject({
      name: z.string().default('slipway'),
      bridge: z.string().default('slip0'),
      subnet: z.string().default('10.203.0.0/16'),
      /** Private addresses or networks that apps and builds may reach, on one port or on all. */
      egressAllow: z.array(z.strictObject({ cidr: z.string(), port: z.number().int().optional() })).default([]),
      nameservers: z.array(z.string()).optional(),
      processPorts: z
        .strictObject({ first: z.number().int(), last: z.number().int() })
        .default({ first: 20_000, last: 29_999 }),
    })
    .prefault({}),
  /** Settings of package managers for every build, e.g. NPM_CONFIG_REGISTRY, PIP_INDEX_URL. */
  buildEnv: z.record(z.string(), z.string()).default({}),
  /** A Node distribution for the nodejs and static buildpacks; absent: they download one. */
  toolchainDir: z.string().startsWith('/').optional(),
  /** Beyond this size, the least recently used layers are deleted. */
  imageBudgetBytes: z
    .number()
    .int()
    .positive()
    .default(20 * 1024 ** 3),
  /** Time between SIGTERM and SIGKILL; 30 s as on Heroku. */
  stopTimeoutMs: z.number().int().positive().default(30_000),
  /** Time for open requests to finish on an instance that stops. */
  drainTimeoutMs: z.number().int().positive().default(30_000),
  /** Time for a web process to listen on its port; 60 s as on Heroku. */
  gateTimeoutMs: z.number().int().positive().default(60_000),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

/** The complete settings of the agent. No other file reads the environment or adds defaults. */
export type AgentConfig = z.infer<typeof schema>;

/** @throws SLIP_CONFIG_FILE naming the file and the field */
export function readAgentConfig(path: string): Promise<AgentConfig> {
  return readConfigFile(path, schema);
}
