import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../shared/kit/exec.ts';
import type { Clock } from '../shared/kit/clock.ts';
import type { Failpoint } from '../shared/kit/failpoint.ts';
import type { Logger } from '../shared/kit/log.ts';
import type { AgentConfig } from './config.ts';
import { createHaproxy } from './proxy/haproxy/haproxy.ts';
import type { Proxy } from './proxy/port.ts';
import { readNodeTls } from './session/node-files.ts';

interface ProxyBasics {
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly failpoint: Failpoint;
}

export function composeProxy({ config, clock, log, failpoint }: ProxyBasics, systemd: boolean): Proxy {
  const { stateDir, proxy, mesh } = config;
  return createHaproxy(
    {
      stateDir: join(stateDir, 'proxy'),
      binds: [{ address: proxy.address, port: proxy.port }],
      tlsBinds: proxy.tls === false ? [] : [{ address: proxy.address, port: proxy.tls.port }],
      ipv6: existsSync('/proc/net/if_inet6'),
      trustedFronts: proxy.trust,
      proxyProtocolFronts: proxy.proxyProtocol,
      mesh: mesh === false ? undefined : { address: mesh.bind, port: mesh.port },
      user: proxy.user,
    },
    { run, clock, logger: log, systemd, failpoint, meshTls: () => readNodeTls(stateDir) },
  );
}
