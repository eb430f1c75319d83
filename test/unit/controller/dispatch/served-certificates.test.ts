import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ServedCertificates } from '../../../../controller/dispatch/served-certificates.ts';
import { fullTableUpdate, routesBetween } from '../../../../shared/domain/fleet-routes.ts';
import type { NodeId } from '../../../../shared/domain/ids.ts';
import { aCertificate, aTable } from '../../../support/fleet-routes.ts';

const [NODE, OTHER] = ['node000000aa' as NodeId, 'node000000bb' as NodeId];
const [shop, blog] = [aCertificate('shop'), aCertificate('blog')];
const REASON = { code: 'SLIP_CERT_FETCH', message: 'The controller did not answer.', hint: 'Nothing to do.' };

describe('which node serves which certificate', () => {
  it('counts a certificate as served after a report on the version that has it, without a complaint', () => {
    const served = new ServedCertificates();
    served.tableChanged(fullTableUpdate(aTable(2, { certificates: [shop] })));
    assert.deepEqual(served.on(NODE, shop.id), { kind: 'waiting' });
    served.reported(NODE, { kind: 'certificatesServed', version: 1, unserved: [] });
    assert.deepEqual(served.on(NODE, shop.id), { kind: 'waiting' }, 'of an older table');
    served.reported(NODE, { kind: 'certificatesServed', version: 2, unserved: [] });
    assert.deepEqual(served.on(NODE, shop.id), { kind: 'served' });
    assert.deepEqual(served.on(OTHER, shop.id), { kind: 'waiting' });
    served.sessionStarted(NODE);
    assert.deepEqual(served.on(NODE, shop.id), { kind: 'waiting' }, 'the agent may have lost its files');
  });

  it('does not count reports of a node from before it answered HTTPS', () => {
    const served = new ServedCertificates();
    const peer = { nodeId: NODE, name: 'fra-1', address: '', port: 0 };
    const two = aTable(2, { peers: [{ ...peer, plainOnly: true }], certificates: [shop] });
    const three = aTable(3, { peers: [peer], certificates: [shop] });
    served.tableChanged(fullTableUpdate(two));
    served.reported(NODE, { kind: 'certificatesServed', version: 2, unserved: [] });
    served.tableChanged(routesBetween(two, three));
    assert.deepEqual(served.on(NODE, shop.id), { kind: 'waiting' });
    served.reported(NODE, { kind: 'certificatesServed', version: 2, unserved: [] });
    assert.deepEqual(served.on(NODE, shop.id), { kind: 'waiting' }, 'a report that was on its way');
    served.reported(NODE, { kind: 'certificatesServed', version: 3, unserved: [] });
    assert.deepEqual(served.on(NODE, shop.id), { kind: 'served' });
  });

  it('asks again for a renewed certificate only, and forgets a removed one', () => {
    const served = new ServedCertificates();
    const two = aTable(2, { certificates: [blog, shop] });
    const three = aTable(3, { certificates: [aCertificate('blog', 'b'), shop] });
    served.tableChanged(fullTableUpdate(two));
    served.reported(NODE, { kind: 'certificatesServed', version: 2, unserved: [] });
    served.tableChanged(routesBetween(two, three));
    assert.deepEqual([served.on(NODE, blog.id), served.on(NODE, shop.id)], [{ kind: 'waiting' }, { kind: 'served' }]);
    const late = { id: blog.id, servedFingerprint: blog.fingerprint, reason: REASON };
    served.reported(NODE, { kind: 'certificatesServed', version: 3, unserved: [late] });
    assert.deepEqual(served.on(NODE, blog.id), { kind: 'unserved', certificate: late });
    served.tableChanged(routesBetween(three, aTable(4, { certificates: [shop] })));
    assert.equal(served.on(NODE, blog.id), undefined);
  });
});
