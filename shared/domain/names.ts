import { domainToASCII } from 'node:url';
import { SlipwayError } from '../kit/errors.ts';
import type { Brand } from './ids.ts';

export type AppName = Brand<string, 'AppName'>;
export type UserName = Brand<string, 'UserName'>;
export type NodeName = Brand<string, 'NodeName'>;
export type ProcessType = Brand<string, 'ProcessType'>;

const APP_NAME = /^[a-z](?:[a-z0-9]|-(?!-)){1,28}[a-z0-9]$/;
const USER_NAME = /^[a-z][a-z0-9-]{0,30}$/;
const NODE_NAME = /^[a-z][a-z0-9-]{0,61}[a-z0-9]$/;
const DNS_PROVIDER_NAME = /^[a-z][a-z0-9-]{0,30}$/;
const PROCESS_TYPE = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
const CONFIG_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const HOSTNAME = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** Letters of any language. In ASCII only those of a host name, because the conversion reads other characters as parts of a URL. */
const UNICODE_HOSTNAME = /^[a-z0-9.\-\u0080-\u{10ffff}]{1,253}$/iu;
const RESERVED_APP_NAMES: ReadonlySet<string> = new Set(['www', 'api', 'admin', 'slipway', 'con', 'git', 'localhost']);

// Characters that JSON does not escape and a terminal interprets: DEL, C1 controls, zero-width and direction marks.
const UNSHOWABLE = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** A short and escaped copy of a user's input, safe on a terminal. */
export function quoteInput(text: string): string {
  const quoted = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
  return quoted.replace(UNSHOWABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

interface NameRule {
  readonly code: string;
  /** The subject of the message, e.g. `The app name`. */
  readonly field: string;
  readonly rule: string;
}

function invalidName(text: string, { code, field, rule }: NameRule): SlipwayError {
  return new SlipwayError({
    code,
    message: `${field} ${quoteInput(text)} is not allowed.`,
    hint: rule,
    httpStatus: 422,
  });
}

/** @throws SLIP_NAME_APP */
export function parseAppName(text: string): AppName {
  if (APP_NAME.test(text) && !RESERVED_APP_NAMES.has(text) && !text.startsWith('xn-')) return text as AppName;
  if (RESERVED_APP_NAMES.has(text) || APP_NAME.test(text)) {
    throw invalidName(text, {
      code: 'SLIP_NAME_APP',
      field: 'The app name',
      rule: 'Slipway reserves this name. Choose another one.',
    });
  }
  throw invalidName(text, {
    code: 'SLIP_NAME_APP',
    field: 'The app name',
    rule: 'An app name has 3 to 30 characters: lower-case letters, digits and single dashes, starting with a letter and not ending with a dash.',
  });
}

/** @throws SLIP_NAME_USER */
export function parseUserName(text: string): UserName {
  if (USER_NAME.test(text)) return text as UserName;
  throw invalidName(text, {
    code: 'SLIP_NAME_USER',
    field: 'The user name',
    rule: 'A user name has 1 to 31 lower-case letters, digits and dashes, starting with a letter.',
  });
}

/** @throws SLIP_NAME_NODE */
export function parseNodeName(text: string): NodeName {
  if (NODE_NAME.test(text)) return text as NodeName;
  throw invalidName(text, {
    code: 'SLIP_NAME_NODE',
    field: 'The node name',
    rule: 'A node name has 2 to 63 lower-case letters, digits and dashes, starting with a letter.',
  });
}

/** @throws SLIP_NAME_DNS_PROVIDER */
export function parseDnsProviderName(text: string): string {
  if (DNS_PROVIDER_NAME.test(text)) return text;
  throw invalidName(text, {
    code: 'SLIP_NAME_DNS_PROVIDER',
    field: 'The name of the DNS provider',
    rule: 'The name of a DNS provider has 1 to 31 lower-case letters, digits and dashes, starting with a letter.',
  });
}

/** @throws SLIP_NAME_PROCESS_TYPE */
export function parseProcessType(text: string): ProcessType {
  if (PROCESS_TYPE.test(text)) return text as ProcessType;
  throw invalidName(text, {
    code: 'SLIP_NAME_PROCESS_TYPE',
    field: 'The process type',
    rule: 'A process type has 1 to 63 letters, digits, dashes and underscores, starting with a letter or digit.',
  });
}

/** @throws SLIP_NAME_CONFIG */
export function parseConfigName(text: string): string {
  if (CONFIG_NAME.test(text) && text !== '__proto__') return text;
  throw invalidName(text, {
    code: 'SLIP_NAME_CONFIG',
    field: 'The config variable',
    rule: 'A config variable has letters, digits and underscores, not starting with a digit, at most 128 characters.',
  });
}

/** Canonical lower-case ASCII host name. @throws SLIP_NAME_HOST */
export function parseHostname(text: string): string {
  const lower = text.toLowerCase();
  if (HOSTNAME.test(lower)) return lower;
  throw invalidName(text, {
    code: 'SLIP_NAME_HOST',
    field: 'The domain',
    rule: 'A domain is a full host name such as app.example.com.',
  });
}

/** A host name, or `*.` and a host name, where `*` stands for one label, as in a certificate (RFC 9525, 6.3). @throws SLIP_NAME_HOST */
export function parseDomain(text: string): string {
  return text.startsWith('*.') ? `*.${parseHostname(text.slice(2))}` : parseHostname(text);
}

/**
 * A domain as a user types it, in its only form: lower case, without the dot at the end, and in ASCII (UTS 46), so that one name never counts
 * as two. @throws SLIP_NAME_HOST
 */
export function parseTypedDomain(text: string): string {
  const [wildcard, name] = text.startsWith('*.') ? ['*.', text.slice(2)] : ['', text];
  const bare = name.replace(/\.$/, '');
  const ascii = UNICODE_HOSTNAME.test(bare) ? domainToASCII(bare) : '';
  return parseDomain(ascii === '' ? text : `${wildcard}${ascii}`);
}
