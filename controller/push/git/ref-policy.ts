import { NO_COMMIT, type RefCommand } from './proc-receive.ts';

/** Decides which refs are deployed, stored or refused. Pure. */

export type RefDecision =
  | { readonly kind: 'deploy'; readonly command: RefCommand }
  | { readonly kind: 'store'; readonly command: RefCommand; readonly note?: string | undefined }
  | { readonly kind: 'refuse'; readonly command: RefCommand; readonly reason: string };

/** HEAD of the repository. It is the deploy branch when this branch exists. */
export interface HeadFacts {
  readonly headRef: string;
  readonly headExists: boolean;
}

const DEPLOY_REFS: readonly string[] = ['refs/heads/main', 'refs/heads/master'];
/** git searches a short name in these places. So a branch or tag whose name begins like this could mean another ref. */
const AMBIGUOUS = /^(?:refs|heads|tags|remotes)\/|^(?:HEAD|FETCH_HEAD|ORIG_HEAD|MERGE_HEAD|CHERRY_PICK_HEAD)$/;
const STORED = /^refs\/(heads|tags|notes)\//;
const MAX_REF_CHARS = 250;

/**
 * Decides each ref of one push. With `atomic`, one refusal refuses all.
 * A repository has one deploy branch: main or master, the one that was deployed first. While it does not exist, both are possible: before the
 * first deploy, and after a deploy without git.
 */
export function decideRefs(commands: readonly RefCommand[], head: HeadFacts, atomic: boolean): RefDecision[] {
  const deployRef = head.headExists ? head.headRef : firstDeployRef(commands, head.headRef);
  const decisions = commands.map((command) => decideRef(command, deployRef));
  const refused = atomic && decisions.some((decision) => decision.kind === 'refuse');
  return refused ? decisions.map(refuseWithOthers) : decisions;
}

function firstDeployRef(commands: readonly RefCommand[], headRef: string): string {
  const pushed = [headRef, ...DEPLOY_REFS].find((ref) =>
    commands.some((command) => command.ref === ref && command.newCommit !== NO_COMMIT),
  );
  return pushed ?? headRef;
}

function decideRef(command: RefCommand, deployRef: string): RefDecision {
  const unsafe = whyUnsafe(command.ref);
  if (unsafe !== undefined) return { kind: 'refuse', command, reason: unsafe };
  const ambiguous = command.newCommit === NO_COMMIT ? undefined : whyAmbiguous(command.ref, deployRef);
  if (ambiguous !== undefined) return { kind: 'refuse', command, reason: ambiguous };
  if (command.ref !== deployRef) return { kind: 'store', command, note: noteFor(command, deployRef) };
  if (command.newCommit === NO_COMMIT) {
    const main = shortRef(deployRef);
    const instead = `deploy another commit instead: git push --force slipway COMMIT:${main}`;
    return {
      kind: 'refuse',
      command,
      reason: `${main} is the deploy branch and cannot be deleted; ${instead}`,
    };
  }
  return { kind: 'deploy', command };
}

function whyUnsafe(ref: string): string | undefined {
  if (ref.startsWith('refs/slipway/') || ref === 'refs/slipway') return 'refs/slipway is reserved for Slipway';
  if (!STORED.test(ref)) return 'only branches, tags and notes can be pushed';
  if (ref.length > MAX_REF_CHARS) return `the name is longer than ${String(MAX_REF_CHARS)} characters`;
  if (ref.split('/').some((part) => part.startsWith('-'))) return 'a name cannot start with a dash';
  return undefined;
}

/**
 * `git push slipway v1:main` creates the TAG main when there is no branch main yet. Nothing is deployed, and later git finds two refs
 * for the name `main`. Such refs that are already stored may be deleted.
 */
function whyAmbiguous(ref: string, deployRef: string): string | undefined {
  const name = shortRef(ref);
  if (ref.startsWith('refs/tags/') && [...DEPLOY_REFS, deployRef].includes(`refs/heads/${name}`)) {
    return `this creates a tag named ${name}, and tags are not deployed; deploy the commit of a tag with: git push slipway 'TAG^{}:${deployRef}'`;
  }
  const parent = DEPLOY_REFS.find((each) => ref.startsWith(`${each}/`));
  if (parent !== undefined)
    return `git cannot have a branch below ${shortRef(parent)}; push to the deploy branch: git push slipway COMMIT:${deployRef}`;
  if (AMBIGUOUS.test(name))
    return `the name ${name} is ambiguous for git; push to the deploy branch: git push slipway COMMIT:${deployRef}`;
  return undefined;
}

function noteFor(command: RefCommand, deployRef: string): string | undefined {
  if (command.newCommit === NO_COMMIT) return undefined;
  const name = shortRef(command.ref);
  const main = shortRef(deployRef);
  if (!command.ref.startsWith('refs/heads/')) return `Stored ${name}. Only the branch ${main} is deployed.`;
  return `Stored the branch ${name}. Only ${main} is deployed. To deploy this branch: git push slipway ${name}:${main}`;
}

function refuseWithOthers(decision: RefDecision): RefDecision {
  if (decision.kind === 'refuse') return decision;
  return { kind: 'refuse', command: decision.command, reason: 'atomic push: another ref was refused' };
}

/** `main` of `refs/heads/main`. */
export function shortRef(ref: string): string {
  return ref.replace(STORED, '');
}
