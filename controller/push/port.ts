import type { AppId, UserId } from '../../shared/domain/ids.ts';
import type { AppName, UserName } from '../../shared/domain/names.ts';

/** Who is at the other end, from the verified signature of the connection alone. */
export interface GitUser {
  readonly userId: UserId;
  readonly name: UserName;
  /** Most connections at a time; absent: the listener's limit for each user. */
  readonly maxConnections?: number | undefined;
}

export interface PushApp {
  readonly appId: AppId;
  readonly name: AppName;
  /** The app of a first push: it is in the database only after its pack is accepted. */
  readonly isNew?: boolean | undefined;
}

/** One update of the deploy branch whose objects are permanently in the repository. */
export interface Push {
  readonly app: PushApp;
  readonly user: GitUser;
  readonly repositoryDir: string;
  readonly ref: string;
  /** 40 hex digits; all zeros when the ref did not exist. */
  readonly oldCommit: string;
  readonly newCommit: string;
  /** Of the new commit: committer date (ms since the epoch) and first line of the message, which may hold any character. */
  readonly commit?: { readonly timeMs: number; readonly subject: string } | undefined;
  /** Monotonic ms at which the connection of this push was accepted, and named stages until now, ms. */
  readonly acceptedAtMs: number;
  readonly timingsMs: Readonly<Record<string, number>>;
}

/** Text for the pusher's terminal; git adds `remote: `. Sanitised by the receiver. */
export type PushOutput = (text: string | Uint8Array) => void;

export type PushOutcome = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** What the app's repository may take. */
export interface ReceiveLimits {
  /** Quota of the app's owner. */
  readonly repositoryMegabytes: number;
  /** Name of the owner. */
  readonly owner: string;
}

/** What the git server needs from the rest of the controller: who may push, and what a push does. */
export interface PushPolicy {
  /** Key blob's SHA256 fingerprint (`SHA256:base64`) → user; one indexed look-up. */
  userByFingerprint(fingerprint: string): Promise<GitUser | undefined>;
  /** Of a push, before all else: just after a start of the controller, builders are still on their way back. */
  awaitBuilder(io: { readonly tell: (text: string) => void; readonly signal: AbortSignal }): Promise<void>;
  /**
   * The app, planned if it does not exist and the policy allows. A name that belongs to another user gets
   * the same error as an unknown one. @throws SLIP_APP_NOT_FOUND, SLIP_NAME_APP, SLIP_QUOTA (write only)
   */
  openApp(user: GitUser, name: string, access: 'read' | 'write'): Promise<PushApp>;
  /** Git has received the pack of this push: creates a planned app. @throws SLIP_APP_EXISTS when another user was faster, SLIP_QUOTA */
  acceptApp(user: GitUser, app: PushApp): Promise<void>;
  /** A push of a planned app has ended. Resolves to true when its repository is no longer needed. */
  closeApp(user: GitUser, app: PushApp): Promise<boolean>;
  /** Begins work in the repository of an app. The signal aborts when the app is destroyed. @throws SLIP_APP_DESTROYED */
  join(appId: AppId, closed: AbortSignal): { readonly signal: AbortSignal; readonly leave: () => void };
  /** True when the app is in the database. */
  hasApp(appId: AppId): Promise<boolean>;
  /** Before the pack is taken in: room on disk, a builder online. @throws SLIP_DISK_FULL, SLIP_BUILD_NO_BUILDER */
  beforeReceive(app: PushApp, user: GitUser): Promise<ReceiveLimits>;
  /**
   * Builds, releases and rolls out. Moves the ref itself, exactly when the release becomes current. The outcome's
   * reason goes into `! [remote rejected] main -> main (reason)`. Never rejects for a user's mistake.
   * Aborting cancels the build; after the release is committed it has no effect.
   */
  deploy(push: Push, output: PushOutput, signal: AbortSignal): Promise<PushOutcome>;
}
