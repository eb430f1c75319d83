import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  parseConnections,
  parseInfo,
  parseMap,
  parseServersState,
  parseWorkers,
} from '../../../../agent/proxy/haproxy/observed.ts';
import { layoutHash, renderConfig, renderHosts, renderInstances } from '../../../../agent/proxy/haproxy/render.ts';
import { resolveSettings, type HaproxyConfig } from '../../../../agent/proxy/haproxy/settings.ts';
import type { SlotTable } from '../../../../agent/proxy/haproxy/slot-table.ts';
import { unitCommand, watchCommand } from '../../../../agent/proxy/haproxy/watcher.ts';
import type { AppName } from '../../../../shared/domain/names.ts';

const CONFIG: HaproxyConfig = {
  stateDir: '/var/lib/slipway/proxy',
  binds: [{ address: '*', port: 80 }],
  poolSize: 3,
  slotsPerBackend: 2,
};
const SETTINGS = resolveSettings(CONFIG);
const one = { id: 'one', instanceName: 'web.1', address: '10.203.0.7', port: 5000 };
const two = { id: 'two', instanceName: 'web.2', address: '10.203.0.8', port: 5000 };

const TABLE: SlotTable = {
  poolSize: 3,
  pools: [
    {
      number: 1,
      app: 'shop' as AppName,
      hostnames: ['www.shop.test', 'shop.test'],
      slotCount: 3,
      slots: [
        { number: 1, state: 'draining', backend: one },
        { number: 2, state: 'active', backend: two },
      ],
      peers: [],
    },
    { number: 3, app: 'blog' as AppName, hostnames: ['blog.test'], slotCount: 2, slots: [], peers: [] },
  ],
  checked: [],
  members: [],
  refused: [],
  pages: [],
  tls: false,
  certificates: [],
  fronts: { trusted: [], proxyProtocol: [] },
};

describe('rendered files', () => {
  test('backends carry the servers of now, and unused ones wait', () => {
    const config = renderConfig(TABLE, SETTINGS);
    assert.deepEqual(config.slice(config.indexOf('backend pool_0001')).split('\n'), [
      'backend pool_0001 from slipway',
      '  server pool_0001_s1 127.0.0.1:1 disabled',
      '  server pool_0001_s2 10.203.0.8:5000',
      '  server pool_0001_s3 127.0.0.1:1 disabled',
      'backend pool_0002 from slipway',
      '  server-template pool_0002_s 1-2 127.0.0.1:1 disabled',
      'backend pool_0003 from slipway',
      '  server pool_0003_s1 127.0.0.1:1 disabled',
      '  server pool_0003_s2 127.0.0.1:1 disabled',
      '',
    ]);
  });

  test('names lead to backends, or to none where an app has no instance', () => {
    assert.equal(renderHosts(TABLE), 'blog.test none/blog\nshop.test pool_0001/shop\nwww.shop.test pool_0001/shop\n');
    assert.equal(renderInstances(TABLE), 'pool_0001_s1 web.1/one\npool_0001_s2 web.2/two\n');
  });

  test('the same table gives the same bytes, and only a change of layout another mark', () => {
    assert.equal(renderConfig(TABLE, SETTINGS), renderConfig(structuredClone(TABLE), resolveSettings({ ...CONFIG })));
    assert.match(
      renderConfig(TABLE, SETTINGS),
      new RegExp(`description slipway-${layoutHash({ poolSize: 3, checked: [] }, SETTINGS)}\n`),
    );
    assert.notEqual(
      layoutHash({ poolSize: 6, checked: [] }, SETTINGS),
      layoutHash({ poolSize: 3, checked: [] }, SETTINGS),
    );
    assert.notEqual(
      layoutHash({ poolSize: 3, checked: [] }, resolveSettings({ ...CONFIG, binds: [{ address: '*', port: 81 }] })),
      layoutHash({ poolSize: 3, checked: [] }, SETTINGS),
    );
  });

  test('* listens on IPv6 where the machine has it, and an address of one family on that alone', () => {
    const bindsOf = (config: Partial<HaproxyConfig>): string[] =>
      renderConfig(TABLE, resolveSettings({ ...CONFIG, ...config }))
        .split('\n')
        .filter((line) => line.startsWith('  bind '));
    assert.deepEqual(bindsOf({}), ['  bind *:80']);
    assert.deepEqual(bindsOf({ ipv6: true }), ['  bind *:80', '  bind :::80 v6only']);
    assert.deepEqual(bindsOf({ ipv6: true, binds: [{ address: '::1', port: 81 }] }), ['  bind ::1:81 v6only']);
    assert.deepEqual(bindsOf({ ipv6: true, binds: [{ address: '127.0.0.1', port: 82 }] }), ['  bind 127.0.0.1:82']);
  });

  test('a value with a forbidden character never reaches the config file', () => {
    for (const bad of [
      { stateDir: '/var/lib/sl ipway' },
      { stateDir: `/${'x'.repeat(100)}` },
      { binds: [] },
      { binds: [{ address: '127.0.0.1 ssl', port: 80 }] },
      { binds: [{ address: '*', port: 70_000 }] },
      { binds: [{ address: 'fe80::1%eth0 ssl', port: 80 }] },
      { trustedFronts: ['10.0.0.0/33'] },
      { trustedFronts: ['10.0.0.1 or TRUE'] },
      { trustedFronts: ['fe80::1%eth0'] },
      { trustedFronts: ['front.example.com'] },
      { haproxy: 'haproxy; reboot' },
      { user: { name: 'haproxy\n', group: 'haproxy' } },
      { poolSize: 0 },
    ]) {
      assert.throws(() => resolveSettings({ ...CONFIG, ...bad }), { code: 'SLIP_PROXY_CONFIG' });
    }
  });

  test('the watcher gets its arguments as they are, under systemd as a unit of its own', () => {
    const command = watchCommand('/s/proxy-watch.sh', SETTINGS);
    assert.deepEqual(command.args, ['/s/proxy-watch.sh', '/var/lib/slipway/proxy', 'haproxy', '10', '1048576']);
    const unit = unitCommand(command, SETTINGS.stateDir);
    assert.equal(unit.file, 'systemd-run');
    assert.deepEqual(unit.args.slice(-7), ['--', '/bin/sh', ...command.args]);
    assert.match(unit.args.join(' '), /--unit=slipway-proxy-[0-9a-f]{8} .*KillMode=process/);
  });
});

describe('replies of the runtime API', () => {
  test('servers are ready unless in maintenance or drain', () => {
    const head = '# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_port';
    const rows = ['0', '1', '4', '5', '8', '12', '32'].map(
      (state, index) => `3 p 1 s${String(index)} 10.0.0.1 2 ${state} 1 80`,
    );
    const servers = parseServersState(`1\n${head}\n${rows.join('\n')}\n`);
    assert.deepEqual(
      [...servers.values()].map((server) => server.ready),
      [true, false, true, false, false, false, false],
    );
    assert.deepEqual(servers.get('s0'), {
      pool: 'p',
      name: 's0',
      address: '10.0.0.1',
      port: 80,
      ready: true,
      downForMs: undefined,
    });
  });

  test('a server is down since its check has failed', () => {
    const head =
      '# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_time_since_last_change srv_port';
    const servers = parseServersState(`1\n${head}\n3 p 1 up 10.0.0.1 2 0 1 9 80\n3 p 2 down 10.0.0.2 0 0 1 7 80\n`);
    assert.deepEqual([servers.get('up')?.downForMs, servers.get('down')?.downForMs], [undefined, 7000]);
  });

  test('connections in use are counted by server', () => {
    const reply =
      '# bkname/svname bkid/svid addr port - purge_delay used_cur used_max\np/s1 3/1 10.0.0.1 80 - 5000 7 9\n';
    assert.deepEqual([...parseConnections(reply)], [['s1', 7]]);
  });

  test('the master names the current worker and those it replaced', () => {
    const reply = [
      '#<PID>          <type>          <reloads>       <uptime>        <version>',
      '10              master          2 [failed: 0]   0d00h00m05s     2.6.12',
      '# workers',
      '13              worker          0               0d00h00m01s     2.6.12',
      '# old workers',
      '11              worker          2               0d00h00m05s     2.6.12',
      '12              worker          1               0d00h00m03s     2.6.12',
      '# programs',
    ];
    assert.deepEqual(parseWorkers(reply.join('\n')), { current: 13, old: [11, 12] });
  });

  test('maps keep doubled keys, and a process that is not ours has no mark', () => {
    assert.deepEqual(parseMap('0x1 a b\n0x2 a c\n'), [
      ['a', 'b'],
      ['a', 'c'],
    ]);
    assert.deepEqual(parseInfo('Pid: 7\ndescription: slipway-abc\n'), { workerPid: 7, layoutHash: 'abc' });
    assert.deepEqual(parseInfo('Pid: 7\ndescription: edge\n'), { workerPid: 7, layoutHash: '' });
  });
});
