import type { UserId } from '../../shared/domain/ids.ts';
import type { UserName } from '../../shared/domain/names.ts';

export interface User {
  readonly id: UserId;
  readonly name: UserName;
  readonly admin: boolean;
  readonly createdAtMs: number;
}

export interface SshKey {
  readonly fingerprint: string;
  readonly userId: UserId;
  /** `ssh-ed25519 AAAA…`, without the comment. */
  readonly publicKey: string;
  readonly comment: string;
  readonly createdAtMs: number;
}

export interface ApiToken {
  readonly id: string;
  readonly userId: UserId;
  readonly description: string;
  readonly createdAtMs: number;
  readonly expiresAtMs?: number | undefined;
}

/** The actor of the event; absent: the controller itself. */
export interface DoneBy {
  readonly by?: UserName | undefined;
}
