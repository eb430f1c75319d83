/** Requests that a node's proxy refused before it knew their app, since the node's agent started. */
export interface UnreadableRequests {
  readonly count: number;
  /** Absent: none so far. */
  readonly last?: UnreadableRequest | undefined;
}

export interface UnreadableRequest {
  /** By the node's clock. */
  readonly atMs: number;
  /** `PR--: the request is not valid HTTP…`: HAProxy's termination state and a sentence. It contains no data of the client. */
  readonly cause: string;
}
