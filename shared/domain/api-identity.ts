// Bodies of the API about certificates and tokens.

/** Answer to `nodes:rejoin`: the token is shown this once. */
export interface RejoinTokenBody {
  readonly node: string;
  readonly token: string;
  readonly expiresAtMs: number;
  readonly pin: string;
  /** Where the machine reaches the controller. */
  readonly url: string;
}

/** A join or rejoin token that is neither used nor over; what it is itself, nobody can see again. */
export interface JoinTokenInfoBody {
  readonly id: string;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  /** The node it is for, when it rejoins one. */
  readonly rejoins?: string | undefined;
}

export interface ApiTokenInfoBody {
  readonly id: string;
  readonly description: string;
  readonly createdAtMs: number;
  readonly expiresAtMs?: number | undefined;
}
