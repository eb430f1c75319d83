import { X509Certificate } from 'node:crypto';
import type { TlsBody } from '../../../shared/api/https.ts';
import type { Reason } from '../../../shared/domain/instance.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { Sensitive } from '../../../shared/kit/sensitive.ts';
import type { TlsSettings } from '../../domain/tls-settings.ts';
import type { User } from '../../domain/users.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { ApiDeps } from '../deps.ts';
import { viewReason } from './https.ts';

type Deps = Pick<ApiDeps, 'store' | 'automaticCertificates' | 'log'>;

export interface TlsChange {
  readonly directoryUrl?: string | undefined;
  readonly caPem?: string | undefined;
  readonly contacts?: readonly string[] | undefined;
  readonly agreeTerms?: boolean | undefined;
  readonly externalAccount?: { readonly keyId: string; readonly hmacKey: string } | undefined;
  readonly profile?: string | undefined;
}

const MAIL = /^[^\s@<>,;"]{1,64}@[a-z0-9.-]{1,185}$/i;
const BASE64URL = /^[A-Za-z0-9_-]{16,1000}$/;
const WORD = /^[A-Za-z0-9._-]{1,64}$/;
const KEY_ID = /^[\x21-\x7e]{1,300}$/;

export async function readTls({ store, automaticCertificates }: Deps, problem?: Reason): Promise<TlsBody> {
  const { directoryUrl, contacts, profile, termsAgreed, externalAccount, trustedCaPem } = await store.tlsSettings();
  const account = await store.acmeAccount(directoryUrl);
  const termsUrl = termsAgreed ? undefined : await automaticCertificates.termsUrl();
  return {
    ...{ directoryUrl, contacts, termsAgreed, hasCaFile: trustedCaPem !== undefined },
    ...(profile === undefined ? {} : { profile }),
    ...(externalAccount === undefined ? {} : { externalKeyId: externalAccount.keyId }),
    ...(account?.url === undefined ? {} : { accountUrl: account.url }),
    ...(termsUrl === undefined ? {} : { termsUrl }),
    ...(problem === undefined ? {} : { problem: viewReason(problem, 'slipway tls') }),
  };
}

/** @throws SLIP_TLS_SETTING. Nothing is stored then. */
export async function setTls(deps: Deps, user: User, change: TlsChange): Promise<TlsBody> {
  const settings = withChange(await deps.store.tlsSettings(), change);
  const problem = await deps.automaticCertificates.applySettings(settings);
  const agreed = settings.termsAgreed ? 'Its terms are agreed to.' : 'Nobody agreed to its terms yet.';
  const message = `${user.name} set the certificate authority to ${settings.directoryUrl}. ${agreed}`;
  noteEvent(deps, { kind: 'tls.changed', actor: user.name, message, next: 'slipway tls' });
  return await readTls(deps, problem);
}

/** Pure: an agreement is to the terms of one CA, and a binding and a CA file belong to one CA. */
function withChange(former: TlsSettings, change: TlsChange): TlsSettings {
  const directoryUrl = change.directoryUrl ?? former.directoryUrl;
  if (!isHttpsUrl(directoryUrl)) throw wrong('The address of the certificate authority must begin with https://.');
  const isSame = directoryUrl === former.directoryUrl;
  const kept = isSame ? former : { termsAgreed: false, externalAccount: undefined, trustedCaPem: undefined };
  return {
    directoryUrl,
    contacts: checkContacts(change.contacts ?? former.contacts),
    profile: change.profile === undefined ? former.profile : checkProfile(change.profile),
    trustedCaPem: change.caPem === undefined ? kept.trustedCaPem : checkCa(change.caPem),
    termsAgreed: change.agreeTerms ?? kept.termsAgreed,
    externalAccount: change.externalAccount === undefined ? kept.externalAccount : checkBinding(change.externalAccount),
  };
}

function isHttpsUrl(text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === 'https:' && new URL(text).username === '';
}

function checkContacts(contacts: readonly string[]): readonly string[] {
  if (!contacts.every((contact) => MAIL.test(contact))) throw wrong('A contact is a mail address: you@example.com.');
  return contacts;
}

function checkProfile(profile: string): string | undefined {
  if (profile !== '' && !WORD.test(profile)) throw wrong('A profile is one word, such as classic.');
  return profile === '' ? undefined : profile;
}

function checkCa(pem: string): string | undefined {
  if (pem === '') return undefined;
  try {
    return new X509Certificate(pem).toString();
  } catch {
    throw wrong('The CA file is not a certificate in PEM form.');
  }
}

function checkBinding({
  keyId,
  hmacKey,
}: {
  readonly keyId: string;
  readonly hmacKey: string;
}): TlsSettings['externalAccount'] {
  if (keyId === '' && hmacKey === '') return undefined;
  if (!KEY_ID.test(keyId)) throw wrong('The key id of the external account has 1 to 300 characters without spaces.');
  if (!BASE64URL.test(hmacKey)) throw wrong('The HMAC key of the external account is text in base64url.');
  return { keyId, hmacKey: new Sensitive(hmacKey) };
}

function wrong(message: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_TLS_SETTING',
    httpStatus: 422,
    message,
    hint: 'See the settings with: slipway tls:set --help',
  });
}
