import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createHaproxy } from '../../agent/proxy/haproxy/haproxy.ts';
import type { MeshTls } from '../../agent/proxy/haproxy/files.ts';
import type { HaproxyConfig } from '../../agent/proxy/haproxy/settings.ts';
import type { AppRoutes, Proxy } from '../../agent/proxy/port.ts';
import type { MeshPeer } from '../../shared/domain/fleet-routes.ts';
import type { NodeId } from '../../shared/domain/ids.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { run } from '../../shared/kit/exec.ts';
import { issueNode, type TestCa } from './certificates.ts';
import { recordingLogger } from './dispatch-rig.ts';
import { BUSY_START_TIMEOUT_MS, freePort } from './proxy-lab.ts';

export interface MeshNode {
  readonly proxy: Proxy;
  readonly peer: MeshPeer;
  readonly port: number;
  readonly stateDir: string;
  readonly logger: ReturnType<typeof recordingLogger>;
  /** Its certificate. A test may replace it. */
  tls: MeshTls;
  /** Its own routes, with every node of the mesh as a member, except nodes with a certificate of these serials. */
  apply(routes: readonly AppRoutes[], refused?: readonly string[]): Promise<void>;
}

/** Nodes whose proxies are real, with certificates of one fleet; stopped and removed at the end of the test. */
export class MeshLab {
  readonly ca: TestCa;
  readonly nodes: MeshNode[] = [];
  readonly #t: TestContext;

  constructor(t: TestContext, ca: TestCa) {
    this.#t = t;
    this.ca = ca;
  }

  /** @param name two letters for its id */
  async node(
    name: string,
    options: { readonly tls?: MeshTls; readonly config?: Partial<HaproxyConfig> } = {},
  ): Promise<MeshNode> {
    const nodeId = `node000000${name}` as NodeId;
    const peer = { nodeId, name: `node-${name}`, address: '127.0.0.1', port: await freePort() };
    const stateDir = await mkdtemp(join(tmpdir(), 'slipway-mesh-'));
    const port = await freePort();
    const logger = recordingLogger();
    const binds = [{ address: '127.0.0.1', port }];
    const mesh = { address: '127.0.0.1', port: peer.port };
    const startTimeoutMs = BUSY_START_TIMEOUT_MS;
    const config = { stateDir, binds, poolSize: 4, mesh, startTimeoutMs, ...options.config };
    const tls = options.tls ?? (await issueNode(this.ca, nodeId)).tls;
    const node: MeshNode = {
      ...{ peer, port, stateDir, logger, tls },
      proxy: createHaproxy(config, {
        run,
        clock: systemClock,
        logger,
        systemd: false,
        meshTls: () => Promise.resolve(node.tls),
      }),
      apply: (routes, refused) =>
        node.proxy.apply({ apps: routes, members: this.nodes.map((each) => each.peer), refused }),
    };
    this.#t.after(async () => {
      await node.proxy.stop();
      await rm(stateDir, { recursive: true, force: true });
    });
    this.nodes.push(node);
    return node;
  }
}
