import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Store } from '../../controller/store/port.ts';
import { parseNodeName } from '../../shared/domain/names.ts';
import { addApp, addNode, addUser, assignment, newRelease, noChange } from '../support/store-fixtures.ts';

/** Nodes in the store: their tokens, certificates and facts, and their removal. */
export function nodeCases(get: () => Store): void {
  it('lets a join token in once, with its labels', async () => {
    await get().addJoinToken({ secretHash: 'h', labels: { zone: 'attic' }, expiresAtMs: 100 });
    const join = (name: string) =>
      get().redeemJoinToken('h', 99, { name: parseNodeName(name), certificateSerial: `serial-${name}` });
    const results = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => join(`node-${index}`)));
    const joined = results.filter((result) => result.status === 'fulfilled');
    assert.equal(joined.length, 1);
    const node = joined[0]!.value;
    assert.deepEqual([node.state, node.labels, node.generation], ['joined', { zone: 'attic' }, 0]);
    assert.deepEqual(await get().nodeBySerial(node.certificateSerial), node);
    await assert.rejects(join('late'), { code: 'SLIP_JOIN_TOKEN' });
  });

  it('gives the same error for an unknown, an expired and a used join token', async () => {
    await get().addJoinToken({ secretHash: 'expired', labels: {}, expiresAtMs: 100 });
    const node = { name: parseNodeName('node-a'), certificateSerial: 's' };
    const words = async (hash: string) => {
      const error: unknown = await get()
        .redeemJoinToken(hash, 100, node)
        .catch((caught: unknown) => caught);
      assert.ok(error instanceof Error);
      return error.message;
    };
    assert.equal(await words('expired'), await words('unknown'));
  });

  it('checks whether a token accepts a node of this name, and does not use the token', async () => {
    await addNode(get(), 'node-a');
    await get().addJoinToken({ secretHash: 'h', labels: {}, expiresAtMs: 100 });
    const check = (hash: string, nowMs: number, name: string) => get().checkJoinToken(hash, nowMs, parseNodeName(name));
    await check('h', 99, 'node-b');
    await assert.rejects(check('h', 99, 'node-a'), { code: 'SLIP_NODE_EXISTS' });
    await assert.rejects(check('unknown', 99, 'node-b'), { code: 'SLIP_JOIN_TOKEN' });
    await assert.rejects(check('h', 100, 'node-b'), { code: 'SLIP_JOIN_TOKEN' });
    await get().redeemJoinToken('h', 99, { name: parseNodeName('node-b'), certificateSerial: 'new' });
    await assert.rejects(check('h', 99, 'node-c'), { code: 'SLIP_JOIN_TOKEN' });
  });

  it('keeps the token good when the node name is taken', async () => {
    await addNode(get(), 'node-a');
    await get().addJoinToken({ secretHash: 'h', labels: {}, expiresAtMs: 100 });
    const join = (name: string) =>
      get().redeemJoinToken('h', 1, { name: parseNodeName(name), certificateSerial: 'new' });
    await assert.rejects(join('node-a'), { code: 'SLIP_NODE_EXISTS' });
    assert.equal((await join('node-b')).name, 'node-b');
  });

  it('knows which certificates are refused: those from before a revocation or a rejoin, until they expire', async () => {
    const [shut, renewed] = [await addNode(get(), 'n1', 'first'), await addNode(get(), 'n2', 'other')];
    for (const [node, serial] of [
      [shut, 'second'],
      [renewed, 'later'],
    ] as const) {
      await get().addCertificate(node.id, { serial, notAfterMs: Date.now() + 60_000 });
      await get().useCertificate(serial);
    }
    assert.deepEqual(await get().refusedCertificates(0), [], 'a renewal refuses nothing');
    await get().revokeCertificates(shut.id);
    assert.deepEqual(await get().refusedCertificates(0), ['first', 'second']);
    await get().addJoinToken({ secretHash: 'again', labels: {}, expiresAtMs: 100, rejoins: shut.id });
    await get().redeemRejoinToken('again', 1, {
      certificateSerial: 'third',
      notAfterMs: Date.now() + 60_000,
      keyHash: 'k',
    });
    assert.deepEqual(await get().refusedCertificates(0), ['first', 'second'], 'not the one it has now');
    assert.deepEqual(
      await get().refusedCertificates(Date.now() + 120_000),
      ['first'],
      'one that has run out needs no refusal',
    );
  });

  it('stores the settings of a node by an operator, and keeps the other settings', async () => {
    const { id } = await addNode(get(), 'node-a');
    assert.deepEqual((await get().changeNode(id, { cordoned: true, drainUntilMs: 5 })).drainUntilMs, 5);
    const changed = await get().changeNode(id, { drainUntilMs: null, lostAtMs: 7, labels: { zone: 'attic' } });
    assert.deepEqual(
      [changed.cordoned, changed.drainUntilMs, changed.lostAtMs, changed.labels],
      [true, undefined, 7, { zone: 'attic' }],
    );
    assert.deepEqual(await get().changeNode(id, {}), changed);
    assert.deepEqual(await get().nodes(), [changed]);
  });

  it('removes a node with all that was to run on it, and frees its name', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const [gone, stays] = [await addNode(get(), 'n1'), await addNode(get(), 'n2')];
    await get().createRelease(newRelease(app));
    const [mine, other] = [gone, stays].map((node) => assignment({ nodeId: node.id, appId: app.id, release: 1 }));
    const move = { ...other!, replaces: mine!.instanceId, moveReason: 'lost' as const };
    await get().beginRollout(app.id, 1, { ...noChange, add: [mine!, move] });
    await get().removeNode(gone.id);
    assert.deepEqual(await get().allAssignments(), [move]);
    assert.equal((await get().nodeBySerial(gone.certificateSerial))?.state, 'removed');
    await addNode(get(), 'n1');
  });

  it('keeps how long an app waits for a silent node', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    assert.equal(app.lostAfterMs, undefined);
    for (const lostAfterMs of [90_000, 'never', undefined] as const) {
      await get().setLostAfter(app.id, lostAfterMs);
      assert.equal((await get().appById(app.id))?.lostAfterMs, lostAfterMs);
    }
  });

  it('changes a node by the state table, and frees the name of a removed one', async () => {
    const node = await addNode(get(), 'node-a');
    await get().setNodeState(node.id, 'ready');
    await get().setNodeState(node.id, 'ready');
    await assert.rejects(get().setNodeState(node.id, 'joined'), { code: 'SLIP_STATE_ILLEGAL' });
    await get().setNodesPresent([{ id: node.id, facts: { os: 'debian-12', cpus: 2 } }]);
    await get().setNodeState(node.id, 'unreachable');
    await get().setNodesPresent([{ id: node.id }]);
    assert.equal((await get().nodes())[0]?.state, 'ready');
    assert.deepEqual((await get().nodes())[0]?.facts, { os: 'debian-12', cpus: 2 });
    await get().setNodeState(node.id, 'removed');
    await get().setNodesPresent([{ id: node.id, facts: {} }]);
    assert.deepEqual(await get().nodes(), []);
    assert.equal((await get().nodeBySerial(node.certificateSerial))?.state, 'removed');
    await addNode(get(), 'node-a');
  });
}
