import { compare } from './compare.ts';
import type { TableCertificate } from './slot-table.ts';

// Which commands lead the certificates of a process to those of the table. Pure.

/** A line of the list of certificates in the process. */
export interface ListedCertificate {
  /** The number of the line. Commands for HAProxy name the line by it. */
  readonly line: number;
  readonly file: string;
  readonly names: readonly string[];
}

/** The certificates for clients of a running process, without the fallback. */
export interface ObservedCertificates {
  /** Loaded file → SHA-1 of its leaf; empty for a file that was added and has no content yet. */
  readonly loaded: ReadonlyMap<string, string>;
  readonly listed: readonly ListedCertificate[];
}

export interface WantedCertificate extends TableCertificate {
  readonly file: string;
  readonly sha1: string;
}

export type CertificateStep =
  | { readonly kind: 'add' | 'replace' | 'list'; readonly wanted: WantedCertificate }
  | { readonly kind: 'unlist'; readonly entry: ListedCertificate }
  | { readonly kind: 'remove'; readonly file: string };

/** New certificates first, and removals last, so that no name is without a certificate in between. */
export function planCertificates(
  { loaded, listed }: ObservedCertificates,
  wanted: readonly WantedCertificate[],
): readonly CertificateStep[] {
  const files = new Set(wanted.map(({ file }) => file));
  const changes = wanted.flatMap((each): CertificateStep[] => {
    const sha1 = loaded.get(each.file);
    if (sha1 === undefined) return [{ kind: 'add', wanted: each }];
    return sha1 === each.sha1 ? [] : [{ kind: 'replace', wanted: each }];
  });
  const kept = new Map<string, ListedCertificate>();
  for (const each of wanted) {
    const entry = listed.find(({ file, names }) => file === each.file && sameNames(names, each.names));
    if (entry !== undefined) kept.set(each.file, entry);
  }
  return [
    ...changes,
    ...wanted.filter(({ file }) => !kept.has(file)).map((each): CertificateStep => ({ kind: 'list', wanted: each })),
    ...listed
      .filter((entry) => kept.get(entry.file) !== entry)
      .map((entry): CertificateStep => ({ kind: 'unlist', entry })),
    ...[...loaded.keys()].filter((file) => !files.has(file)).map((file): CertificateStep => ({ kind: 'remove', file })),
  ];
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.toSorted(compare).join(' ') === b.toSorted(compare).join(' ');
}

/** The id in the name of a file. */
export function idOf(file: string): string {
  return (file.split('/').at(-1) ?? '').replace(/\.pem$/, '');
}

/** From `show ssl cert`: the loaded files, and the file with an open transaction. */
export function parseLoaded(reply: string): { readonly files: readonly string[]; readonly open: string | undefined } {
  const lines = reply.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return {
    files: lines.filter((line) => !line.startsWith('*')),
    open: lines.find((line) => line.startsWith('*'))?.slice(1),
  };
}

/** From `show ssl cert FILE`. Empty if the file has no content yet. */
export function parseSha1(reply: string): string {
  return /^SHA1 FingerPrint: ([0-9A-F]{40})$/m.exec(reply)?.[1] ?? '';
}

/** From `show ssl crt-list -n LIST`. */
export function parseListed(reply: string): readonly ListedCertificate[] {
  return reply.split('\n').flatMap((text) => {
    const match = /^(\/\S+):(\d+)(?: (.*))?$/.exec(text);
    if (match === null) return [];
    const [, file = '', line = '', names = ''] = match;
    return [{ file, line: Number(line), names: names.split(' ').filter((name) => name !== '') }];
  });
}
