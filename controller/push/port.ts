import type { AppId, UserId } from '../../shared/domain/ids.ts';
import type { AppName, UserName } from '../../shared/domain/names.ts';

/** The user, as the verified signature of the connection proves. */
export interface GitUser {
  readonly userId: UserId;
  readonly name: UserName;
  /** Highest number of connections at a time. Absent: the limit of the listener for each user. */
  readonly maxConnections?: number | undefined;
}

export interface PushApp {
  readonly appId: AppId;
  readonly name: AppName;
  /** True for the app of a first push. It is in the database only after its pack is accepted. */
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
  /** The new commit: committer date (ms since the epoch) and first line of the message, which may contain any character. */
  readonly commit?: { readonly timeMs: number; readonly subject: string } | undefined;
  /** Monotonic ms at which the connection of this push was accepted, and the stages until now, ms. */
  readonly acceptedAtMs: number;
  readonly timingsMs: Readonly<Record<string, number>>;
}

/** Text for the pusher's terminal. git adds `remote: `, and the receiver removes control characters. */
export type PushOutput = (text: string | Uint8Array) => void;

export type PushOutcome = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Limits of the app's repository. */
export interface ReceiveLimits {
  /** Quota of the app's owner. */
  readonly repositoryMegabytes: number;
  /** Name of the owner. */
  readonly owner: string;
}

/** What the git server needs from the rest of the controller: who may push, and what a push does. */
export interface PushPolicy {
  /** The user of a key fingerprint (`SHA256:base64`), with one indexed lookup. */
  userByFingerprint(fingerprint: string): Promise<GitUser | undefined>;
  /** Aborts with the reason when the key of an open connection is removed. `closed` aborts when the connection has ended. */
  untilKeyRemoved(user: GitUser, fingerprint: string, closed: AbortSignal): AbortSignal;
  /** First step of a push: just after the start of the controller, builders may not be connected yet. */
  awaitBuilder(io: { readonly tell: (text: string) => void; readonly signal: AbortSignal }): Promise<void>;
  /**
   * The app. When it does not exist and a push may create it, it is planned. An app of another user gets the same error as an
   * unknown app. @throws SLIP_APP_NOT_FOUND, SLIP_NAME_APP, SLIP_QUOTA (write only)
   */
  openApp(user: GitUser, name: string, access: 'read' | 'write'): Promise<PushApp>;
  /** Git has received the pack of this push: creates a planned app. @throws SLIP_APP_EXISTS when another user was faster, SLIP_QUOTA */
  acceptApp(user: GitUser, app: PushApp): Promise<void>;
  /** A push of a planned app has ended. Resolves to true when its repository is no longer needed. */
  closeApp(user: GitUser, app: PushApp): Promise<boolean>;
  /** Starts work in the repository of an app. The signal aborts when the app is destroyed. @throws SLIP_APP_DESTROYED */
  join(appId: AppId, closed: AbortSignal): { readonly signal: AbortSignal; readonly leave: () => void };
  /** True when the app is in the database. */
  hasApp(appId: AppId): Promise<boolean>;
  /** Before the pack is received: checks free disk space and a connected builder. @throws SLIP_DISK_FULL, SLIP_BUILD_NO_BUILDER */
  beforeReceive(app: PushApp, user: GitUser): Promise<ReceiveLimits>;
  /**
   * Builds, releases and rolls out. It moves the ref when the release becomes current. git shows the reason of a failure as
   * `! [remote rejected] main -> main (reason)`. It never rejects because of a mistake of the user. An abort cancels the build, and has no
   * effect after the release is committed.
   */
  deploy(push: Push, output: PushOutput, signal: AbortSignal): Promise<PushOutcome>;
}
