import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_COMMIT } from '../../../../../controller/push/git/proc-receive.ts';
import { decideRefs, type HeadFacts, type RefDecision } from '../../../../../controller/push/git/ref-policy.ts';

const UNBORN: HeadFacts = { headRef: 'refs/heads/main', headExists: false };
const MAIN: HeadFacts = { headRef: 'refs/heads/main', headExists: true };
const NEW = '2'.repeat(40);

function decide(refs: readonly string[], head = MAIN, atomic = false): RefDecision[] {
  return decideRefs(
    refs.map((ref) => ({ oldCommit: NO_COMMIT, newCommit: NEW, ref })),
    head,
    atomic,
  );
}

function kinds(refs: readonly string[], head = MAIN, atomic = false): string[] {
  return decide(refs, head, atomic).map(({ kind }) => kind);
}

test('only the deploy branch builds, the rest is stored with a note that says how to deploy it', () => {
  assert.deepEqual(kinds(['refs/heads/main', 'refs/heads/feature', 'refs/tags/v1', 'refs/notes/commits']), [
    'deploy',
    'store',
    'store',
    'store',
  ]);
  const [branch, tag] = decide(['refs/heads/feature', 'refs/tags/v1']);
  assert.ok(branch?.kind === 'store' && branch.note?.includes('git push slipway feature:main'));
  assert.ok(tag?.kind === 'store' && tag.note?.includes('Only the branch main is deployed'));
});

test('the first of main and master to be deployed is the deploy branch from then on', () => {
  assert.deepEqual(kinds(['refs/heads/master'], UNBORN), ['deploy']);
  assert.deepEqual(kinds(['refs/heads/master', 'refs/heads/main'], UNBORN), ['store', 'deploy']);
  assert.deepEqual(kinds(['refs/heads/master'], MAIN), ['store']);
  assert.deepEqual(kinds(['refs/heads/main'], { headRef: 'refs/heads/master', headExists: true }), ['store']);
});

test('a deploy branch that a deploy without git removed keeps its name, until main or master is deployed', () => {
  const gone: HeadFacts = { headRef: 'refs/heads/master', headExists: false };
  const [branch] = decide(['refs/heads/feature'], gone);
  assert.ok(branch?.kind === 'store' && branch.note?.includes('Only master is deployed'));
  assert.deepEqual(kinds(['refs/heads/main', 'refs/heads/master'], gone), ['store', 'deploy']);
  assert.deepEqual(kinds(['refs/heads/main'], gone), ['deploy']);
});

test('a branch below a deploy branch is refused, because git could not make the deploy branch then', () => {
  const [below, beside] = decide(['refs/heads/main/x', 'refs/heads/mainly'], UNBORN);
  assert.ok(below?.kind === 'refuse' && below.reason.includes('git cannot have a branch below main'));
  assert.equal(beside?.kind, 'store');
});

test('the deploy branch cannot be deleted, another branch can', () => {
  const remove = (ref: string): RefDecision | undefined =>
    decideRefs([{ oldCommit: NEW, newCommit: NO_COMMIT, ref }], MAIN, false)[0];
  const main = remove('refs/heads/main');
  assert.ok(main?.kind === 'refuse' && main.reason.includes('cannot be deleted'));
  assert.deepEqual(remove('refs/heads/feature'), {
    kind: 'store',
    command: { oldCommit: NEW, newCommit: NO_COMMIT, ref: 'refs/heads/feature' },
    note: undefined,
  });
});

test('names that could be options, and reserved refs, are refused', () => {
  const bad = [
    'refs/heads/-x',
    'refs/tags/--exec=id',
    'refs/heads/a/-b',
    'refs/slipway/x',
    'refs/pull/1',
    'HEAD',
    `refs/heads/${'a'.repeat(4096)}`,
  ];
  assert.deepEqual(
    kinds(bad),
    bad.map(() => 'refuse'),
  );
});

test('an atomic push is refused as a whole', () => {
  assert.deepEqual(kinds(['refs/heads/main', 'refs/slipway/x'], MAIN, true), ['refuse', 'refuse']);
  assert.deepEqual(kinds(['refs/heads/main', 'refs/slipway/x'], MAIN, false), ['deploy', 'refuse']);
});

test('a tag with the name of the deploy branch, and names that git takes for another ref, are refused with the command that works', () => {
  const ambiguous = [
    ...[
      'refs/tags/main',
      'refs/tags/master',
      'refs/heads/refs/heads/main',
      'refs/heads/heads/main',
      'refs/tags/tags/v1',
    ],
    ...['refs/heads/HEAD', 'refs/tags/HEAD', 'refs/heads/remotes/origin/main'],
  ];
  for (const head of [UNBORN, MAIN]) {
    for (const decision of decide(ambiguous, head)) {
      assert.ok(decision.kind === 'refuse', decision.command.ref);
      assert.match(decision.reason, /git push slipway \S+:refs\/heads\/main/);
      assert.ok(decision.reason.length < 300, 'what is longer is cut on its way');
    }
  }
  assert.deepEqual(kinds(['refs/tags/mainline', 'refs/heads/header/x', 'refs/notes/main']), [
    'store',
    'store',
    'store',
  ]);
  const [deleted] = decideRefs([{ oldCommit: NEW, newCommit: NO_COMMIT, ref: 'refs/tags/main' }], MAIN, false);
  assert.equal(deleted?.kind, 'store', 'what an older version stored can be removed');
});
