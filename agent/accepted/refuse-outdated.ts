import type { Epoch } from '../../shared/domain/assignment.ts';
import type { Reason } from '../../shared/domain/instance.ts';

/** The place of a document in the history of its controller. */
export interface DocumentVersion {
  readonly epoch: Epoch;
  readonly generation: number;
}

/** How the versions of one kind of document are compared. */
export interface VersionRule {
  /** The document in messages, for example `desired state`. */
  readonly noun: string;
  /** False: each epoch of the controller starts its own count. */
  readonly generationsContinueAcrossEpochs: boolean;
  readonly codes: { readonly oldEpoch: string; readonly otherController: string; readonly oldGeneration: string };
}

const OLD_CONTROLLER_HINT =
  'If another controller runs too, stop this one. If its database was restored from a backup, stop it, run `node controller/main.ts restored` on its machine, and start it again.';

/**
 * Pure: the reason why a node must not accept an offered document, or undefined. It protects running apps from a controller that has an old
 * database, and from a copy of the controller.
 */
export function refuseOutdated(
  { noun, generationsContinueAcrossEpochs, codes }: VersionRule,
  accepted: DocumentVersion,
  offered: DocumentVersion,
): Reason | undefined {
  const [ours, theirs] = [accepted.epoch, offered.epoch];
  if (theirs.counter < ours.counter) {
    return {
      code: codes.oldEpoch,
      message: `The controller's epoch ${String(theirs.counter)} is older than this node's epoch ${String(ours.counter)}; the controller may run from an old backup.`,
      hint: OLD_CONTROLLER_HINT,
    };
  }
  const isSameEpoch = theirs.counter === ours.counter;
  if (isSameEpoch && theirs.id !== ours.id) {
    return {
      code: codes.otherController,
      message: 'Two controllers with the same history are running. This node follows the first one that it heard.',
      hint: 'Stop the copy. Then restart the controller that you want to keep.',
    };
  }
  if (!isSameEpoch && !generationsContinueAcrossEpochs) return undefined;
  if (offered.generation >= accepted.generation) return undefined;
  return {
    code: codes.oldGeneration,
    message: `The controller sent generation ${String(offered.generation)} of the ${noun}, but this node has accepted generation ${String(accepted.generation)}.`,
    hint: OLD_CONTROLLER_HINT,
  };
}
