/** Distinct types for ids. Only the parsers and generators of this folder make them. */
export type Brand<T, B extends string> = T & { readonly __brand: B };

export type AppId = Brand<string, 'AppId'>;
export type UserId = Brand<string, 'UserId'>;
export type NodeId = Brand<string, 'NodeId'>;
export type BuildId = Brand<string, 'BuildId'>;
export type TaskId = Brand<string, 'TaskId'>;
export type CertificateId = Brand<string, 'CertificateId'>;
/** One run of one instance of one release; never reused. Lower-case letters, digits; at most 26 characters. */
export type InstanceId = Brand<string, 'InstanceId'>;

/** `sha256:` + 64 hex digits. */
export type Digest = Brand<string, 'Digest'>;

const ID = /^[a-z0-9]{8,26}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

export function isId(text: string): boolean {
  return ID.test(text);
}

export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/** The 64 hex digits: safe as a file name. */
export function digestHex(digest: Digest): string {
  return digest.slice('sha256:'.length);
}
