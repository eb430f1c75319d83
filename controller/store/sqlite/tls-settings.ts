import { z } from 'zod';
import { Sensitive } from '../../../shared/kit/sensitive.ts';
import { DEFAULT_TLS_SETTINGS } from '../../domain/tls-settings.ts';
import type { OrderStore } from '../order-port.ts';
import { PLACE_OF_BINDING, placeOfAccountKey } from './acme-keys.ts';
import type { RepositoryDeps } from './repository.ts';
import { parseRowIfAny } from './rows.ts';

type Methods = Pick<
  OrderStore,
  | 'tlsSettings'
  | 'setTlsSettings'
  | 'certsAuto'
  | 'setCertsAuto'
  | 'httpsRedirect'
  | 'setHttpsRedirect'
  | 'acmeAccount'
  | 'addAcmeAccount'
  | 'setAcmeAccountUrl'
>;

const nullable = <T extends z.ZodType>(schema: T) => z.union([z.null().transform(() => undefined), schema]);
const settingsText = z.object({
  directoryUrl: z.string(),
  contacts: z.array(z.string()),
  profile: z.string().optional(),
  trustedCaPem: z.string().optional(),
  termsAgreed: z.boolean(),
  keyId: z.string().optional(),
});
const settingsRow = z.object({
  settings: z
    .string()
    .transform((text) => JSON.parse(text) as unknown)
    .pipe(settingsText),
  secretText: nullable(z.string()),
  secretKeyId: nullable(z.string()),
});
const accountRow = z.object({
  directoryUrl: z.string(),
  url: nullable(z.string()),
  keyText: z.string(),
  keyId: z.string(),
});
const autoRow = z.object({ enabled: z.number().transform((value) => value === 1) });

export function createTlsSettings({ inTransaction, cipher }: RepositoryDeps): Methods {
  return {
    tlsSettings: () =>
      inTransaction(async (tx) => {
        const found = await tx.selectFrom('tlsSettings').selectAll().executeTakeFirst();
        const row = parseRowIfAny(settingsRow, found);
        if (row === undefined) return DEFAULT_TLS_SETTINGS;
        const { settings, secretText, secretKeyId: keyId } = row;
        const { keyId: externalId, profile, trustedCaPem, ...rest } = settings;
        const known = { ...rest, profile, trustedCaPem };
        if (externalId === undefined || secretText === undefined || keyId === undefined) {
          return { ...known, externalAccount: undefined };
        }
        const hmacKey = new Sensitive(cipher.open({ keyId, text: secretText }, PLACE_OF_BINDING));
        return { ...known, externalAccount: { keyId: externalId, hmacKey } };
      }),
    setTlsSettings: ({ externalAccount, ...settings }) =>
      inTransaction(async (tx) => {
        const sealed =
          externalAccount === undefined ? undefined : cipher.seal(externalAccount.hmacKey.reveal(), PLACE_OF_BINDING);
        const row = {
          settings: JSON.stringify({ ...settings, keyId: externalAccount?.keyId }),
          secretText: sealed?.text ?? null,
          secretKeyId: sealed?.keyId ?? null,
        };
        await tx
          .insertInto('tlsSettings')
          .values({ id: 1, ...row })
          .onConflict((taken) => taken.column('id').doUpdateSet(row))
          .execute();
      }),
    certsAuto: (appId) =>
      inTransaction(async (tx) => {
        const found = await tx.selectFrom('certsAuto').select('enabled').where('appId', '=', appId).executeTakeFirst();
        return parseRowIfAny(autoRow, found)?.enabled;
      }),
    setCertsAuto: (appId, enabled) =>
      inTransaction(async (tx) => {
        const row = { enabled: enabled ? 1 : 0 };
        await tx
          .insertInto('certsAuto')
          .values({ appId, ...row })
          .onConflict((taken) => taken.column('appId').doUpdateSet(row))
          .execute();
      }),
    ...redirectMethods({ inTransaction }),
    ...accountMethods({ inTransaction, cipher }),
  };
}

function redirectMethods({
  inTransaction,
}: Pick<RepositoryDeps, 'inTransaction'>): Pick<Methods, 'httpsRedirect' | 'setHttpsRedirect'> {
  return {
    httpsRedirect: (appId) =>
      inTransaction(async (tx) => {
        const query = tx.selectFrom('httpsRedirects').select('enabled').where('appId', '=', appId);
        return parseRowIfAny(autoRow, await query.executeTakeFirst())?.enabled ?? true;
      }),
    setHttpsRedirect: (appId, enabled) =>
      inTransaction(async (tx) => {
        const row = { enabled: enabled ? 1 : 0 };
        await tx
          .insertInto('httpsRedirects')
          .values({ appId, ...row })
          .onConflict((taken) => taken.column('appId').doUpdateSet(row))
          .execute();
      }),
  };
}

function accountMethods({
  inTransaction,
  cipher,
}: Pick<RepositoryDeps, 'inTransaction' | 'cipher'>): Pick<
  Methods,
  'acmeAccount' | 'addAcmeAccount' | 'setAcmeAccountUrl'
> {
  return {
    acmeAccount: (directoryUrl) =>
      inTransaction(async (tx) => {
        const query = tx.selectFrom('acmeAccounts').selectAll().where('directoryUrl', '=', directoryUrl);
        const row = parseRowIfAny(accountRow, await query.executeTakeFirst());
        if (row === undefined) return undefined;
        const { url, keyText: text, keyId } = row;
        const keyPem = new Sensitive(cipher.open({ keyId, text }, placeOfAccountKey(directoryUrl)));
        return { directoryUrl, url, keyPem };
      }),
    addAcmeAccount: (directoryUrl, keyPem) =>
      inTransaction(async (tx) => {
        const { text: keyText, keyId } = cipher.seal(keyPem.reveal(), placeOfAccountKey(directoryUrl));
        await tx
          .insertInto('acmeAccounts')
          .values({ directoryUrl, url: null, keyText, keyId })
          .onConflict((taken) => taken.column('directoryUrl').doNothing())
          .execute();
      }),
    setAcmeAccountUrl: (directoryUrl, url) =>
      inTransaction(async (tx) => {
        const update = tx.updateTable('acmeAccounts').set({ url: url ?? null });
        await update.where('directoryUrl', '=', directoryUrl).execute();
      }),
  };
}
