import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DomainOwnership } from '../../../controller/ownership/domain-ownership.ts';
import type { DomainsBody } from '../../../shared/api/domains.ts';
import { parseAppName } from '../../../shared/domain/names.ts';
import { DEFAULT_ENV, run, type CommandResult } from '../../../shared/kit/exec.ts';
import { API_CONFIG, openApi, type ApiFixture } from '../../support/api-fixture.ts';
import { cliCommand } from '../../support/cli-command.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeDns } from '../../support/fake-dns.ts';
import { addApp } from '../../support/store-fixtures.ts';

const ENV = { ...DEFAULT_ENV, PATH: `${dirname(process.execPath)}:${DEFAULT_ENV['PATH'] ?? ''}` };
const HOST = 'shop.example.com';

interface JsonError {
  readonly code: string;
  readonly details: Readonly<Record<string, string>>;
}

describe('domains of a fleet with several users, with the real command', () => {
  const dns = new FakeDns();
  let fixture: ApiFixture;
  let dir: string;
  before(async () => {
    const { baseDomain } = API_CONFIG;
    fixture = await openApi({
      domainOwnership: {
        claim: (app, wanted) =>
          new DomainOwnership({ store: fixture.store, resolver: dns, baseDomain }).claim(app, wanted),
      },
    });
    dir = await mkdtemp(join(tmpdir(), 'slipway-cli-domains-'));
    const { user, caller } = await fixture.addCaller('ada');
    await fixture.addCaller('bob');
    const settings = { url: fixture.url, token: caller.token, caPem: fixture.authority.caPem };
    await writeFile(join(dir, 'config.json'), JSON.stringify(settings));
    await addApp(fixture.store, user.id, 'shop');
  });
  after(async () => {
    await fixture.close();
    await rm(dir, { recursive: true });
  });

  async function slipway(...args: readonly string[]): Promise<CommandResult> {
    const env = { ...ENV, HOME: dir, SLIPWAY_CONFIG: join(dir, 'config.json') };
    return await run({ ...cliCommand([...args, '-a', 'shop'], env), cwd: dir, stdin: '', timeoutMs: 240_000 });
  }

  it('domains:add shows the record, waits for it, and adds the domain', async () => {
    const { code, stderr } = await slipway('domains:add', HOST, '--no-wait', '--json');
    const error = JSON.parse(stderr) as JsonError;
    assert.deepEqual([code, error.code, error.details['txtName']], [1, 'SLIP_DOMAIN_PROOF', `_slipway.${HOST}`]);
    dns.asked.length = 0;
    const adding = slipway('domains:add', HOST);
    await eventually('the command asks DNS', () => dns.asked.length > 0);
    dns.addText(String(error.details['txtName']), String(error.details['txtValue']));
    const added = await adding;
    assert.equal(added.code, 0);
    assert.match(
      added.stderr,
      /Add a TXT record: _slipway\.shop\.example\.com with the value slipway-proof=[^]*Waiting up to/,
    );
    assert.match(added.stdout, /^Added shop\.example\.com to shop\./);
  });

  it('a removed domain is shown with the end of its time, also as JSON', async () => {
    const app = await fixture.store.appByName(parseAppName('shop'));
    assert.ok(app !== undefined);
    await fixture.store.addDomain(app.id, 'old.example.com');
    const removed = await slipway('domains:remove', 'OLD.example.com.');
    assert.match(removed.stdout, /^Removed old\.example\.com from shop\. It is kept for its owner until 20\d\d-/);
    const { stdout } = await slipway('domains', '--json');
    assert.deepEqual(
      (JSON.parse(stdout) as DomainsBody).kept?.map(({ hostname }) => hostname),
      ['old.example.com'],
    );
    assert.match((await slipway('domains')).stdout, /Removed Domains, kept for their owner[^]*old\.example\.com +shop/);
  });

  it('only an administrator may add a domain with --force', async () => {
    const { code, stderr } = await slipway('domains:add', 'intranet.example.com', '--force');
    assert.deepEqual([code, stderr.includes('Only an admin may do this.')], [1, true]);
  });
});
