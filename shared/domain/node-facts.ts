import { z } from 'zod';

// The only description of what an agent reports about its node. The wire, the database, the API and the CLI derive their views from it.
// To add a fact: describe it here, read it in agent/host/, and show it in the CLI.

const word = z.string().max(256);
const count = z.int().min(0);
const stackName = z.string().regex(/^[a-z0-9][a-z0-9.-]{0,62}$/, 'is not a stack name');

/** Most disks and most network interfaces that a node reports. */
export const MACHINE_PARTS_MAX = 32;

const disk = z.object({
  name: word,
  sizeBytes: count,
  /** `SSD` or `HDD`; empty when the kernel does not report it. */
  medium: word,
  model: word,
});

const networkInterface = z.object({
  name: word,
  mac: word,
  addresses: z.array(z.string().max(64)).max(16).readonly(),
  /** Absent when the interface does not report a speed. */
  speedMbps: z.number().positive().optional(),
});

/** Facts that do not change while a machine runs. */
export const machineFacts = z.object({
  /** Manufacturer and product. */
  product: word,
  /** `none`, or the hypervisor. */
  virtualization: word,
  cpuModel: word,
  cpuSockets: count,
  cpuCores: count,
  swapBytes: count,
  disks: z.array(disk).max(MACHINE_PARTS_MAX).readonly(),
  interfaces: z.array(networkInterface).max(MACHINE_PARTS_MAX).readonly(),
});
export type MachineFacts = z.output<typeof machineFacts>;

export const nodeFacts = z.object({
  agentVersion: word,
  /** `ID-VERSION_ID` of /etc/os-release, e.g. `debian-12`. */
  os: word,
  kernel: word,
  arch: word,
  cpus: count,
  memoryBytes: count,
  /** Size of the file system that holds the agent's state. */
  diskBytes: count,
  diskFreeBytes: count,
  sandboxDriver: word,
  stacks: z.array(stackName).max(50).readonly(),
  proxyVersion: word,
  /** Programs and kernel features that the agent did not find, one sentence each. */
  missing: z.array(z.string().max(4_000)).max(100).readonly(),
  builder: z.boolean(),
  httpAddress: word,
  /** Port of its proxy for HTTPS; absent or 0 when it answers none. */
  httpsPort: count.optional(),
  /** `address:port` of its proxy for other nodes; absent or empty when it takes no requests from them. */
  meshAddress: word.optional(),
  /** Network of its sandboxes; absent or empty when they have none, or when an older agent does not report it. */
  sandboxSubnet: word.optional(),
  /** Most names of one app that it reads from the route table; absent or 0 from older agents. */
  routeNamesMax: count.optional(),
  /** Absent from older agents, and until the agent has read them. */
  machine: machineFacts.optional(),
});
export type NodeFacts = z.output<typeof nodeFacts>;

/** Facts that the API shows under their own names, also in lists of nodes. */
export const shownFacts = nodeFacts
  .pick({
    agentVersion: true,
    os: true,
    kernel: true,
    arch: true,
    cpus: true,
    memoryBytes: true,
    diskBytes: true,
    diskFreeBytes: true,
    sandboxDriver: true,
    proxyVersion: true,
  })
  .partial();

/** Facts of a node that has not reported any. */
export const NO_FACTS: NodeFacts = Object.freeze({
  agentVersion: '',
  os: '',
  kernel: '',
  arch: '',
  cpus: 0,
  memoryBytes: 0,
  diskBytes: 0,
  diskFreeBytes: 0,
  sandboxDriver: '',
  stacks: [],
  proxyVersion: '',
  missing: [],
  builder: false,
  httpAddress: '',
});

/** Reads facts of any version. Unknown facts are dropped. Where a fact is invalid, the one of `base` counts. */
export function readNodeFacts(values: Readonly<Record<string, unknown>>, base: NodeFacts = NO_FACTS): NodeFacts {
  const facts = nodeFacts.safeParse({ ...base, ...values });
  if (facts.success) return facts.data;
  const invalid = new Set(facts.error.issues.map((issue) => issue.path[0]));
  const valid = Object.entries(values).filter(([name]) => !invalid.has(name));
  return nodeFacts.parse({ ...base, ...Object.fromEntries(valid) });
}

/** Longest JSON of facts. */
export const FACTS_JSON_MAX = 128 * 1024;

/** JSON for {@link parseNodeFacts}; empty when it would be too long. */
export function writeNodeFacts(values: Partial<NodeFacts>): string {
  const json = JSON.stringify(values);
  return json.length > FACTS_JSON_MAX ? '' : json;
}

/** Reads facts from JSON that another version may have written. Invalid JSON counts as no facts. */
export function parseNodeFacts(json: string, base: NodeFacts): NodeFacts {
  try {
    const values: unknown = JSON.parse(json);
    return readNodeFacts(z.record(z.string(), z.unknown()).parse(values), base);
  } catch {
    return base;
  }
}
