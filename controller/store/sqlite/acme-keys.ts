import type { ConfigCipher, Place } from '../../secrets/config-cipher.ts';
import type { Tx } from './schema.ts';

export function placeOfOrderKey(id: string): Place {
  return { acmeKey: `order ${id}` };
}

export function placeOfAccountKey(directoryUrl: string): Place {
  return { acmeKey: `account ${directoryUrl}` };
}

export function placeOfDnsSecret(provider: string): Place {
  return { acmeKey: `dns provider ${provider}` };
}

export const PLACE_OF_BINDING: Place = { acmeKey: 'external account' };

/** There are few accounts and open orders, so one transaction takes all of them. */
export async function encryptAcmeKeys(tx: Tx, cipher: ConfigCipher, current: string): Promise<number> {
  const reseal = (keyId: string, text: string, place: Place): { readonly keyId: string; readonly text: string } =>
    cipher.seal(cipher.open({ keyId, text }, place), place);
  let encrypted = 0;
  const orders = tx.selectFrom('certificateOrders').select(['id', 'keyText', 'keyId']);
  for (const { id, keyText, keyId } of await orders.where('keyId', '<>', current).execute()) {
    if (keyText === null || keyId === null) continue;
    const sealed = reseal(keyId, keyText, placeOfOrderKey(id));
    const key = { keyText: sealed.text, keyId: sealed.keyId };
    await tx.updateTable('certificateOrders').set(key).where('id', '=', id).execute();
    encrypted += 1;
  }
  const accounts = tx.selectFrom('acmeAccounts').select(['directoryUrl', 'keyText', 'keyId']);
  for (const { directoryUrl, keyText, keyId } of await accounts.where('keyId', '<>', current).execute()) {
    const sealed = reseal(keyId, keyText, placeOfAccountKey(directoryUrl));
    const key = { keyText: sealed.text, keyId: sealed.keyId };
    await tx.updateTable('acmeAccounts').set(key).where('directoryUrl', '=', directoryUrl).execute();
    encrypted += 1;
  }
  const settings = tx.selectFrom('tlsSettings').select(['secretText', 'secretKeyId']);
  for (const { secretText, secretKeyId } of await settings.where('secretKeyId', '<>', current).execute()) {
    if (secretText === null || secretKeyId === null) continue;
    const sealed = reseal(secretKeyId, secretText, PLACE_OF_BINDING);
    await tx.updateTable('tlsSettings').set({ secretText: sealed.text, secretKeyId: sealed.keyId }).execute();
    encrypted += 1;
  }
  return encrypted + (await encryptDnsSecrets(tx, cipher, current));
}

async function encryptDnsSecrets(tx: Tx, cipher: ConfigCipher, current: string): Promise<number> {
  let encrypted = 0;
  const providers = tx.selectFrom('dnsProviders').select(['name', 'secretText', 'secretKeyId']);
  for (const { name, secretText, secretKeyId } of await providers.where('secretKeyId', '<>', current).execute()) {
    if (secretText === null || secretKeyId === null) continue;
    const place = placeOfDnsSecret(name);
    const sealed = cipher.seal(cipher.open({ keyId: secretKeyId, text: secretText }, place), place);
    const secret = { secretText: sealed.text, secretKeyId: sealed.keyId };
    await tx.updateTable('dnsProviders').set(secret).where('name', '=', name).execute();
    encrypted += 1;
  }
  return encrypted;
}

/** The ids of the keys that these secrets need. */
export async function acmeKeyIds(tx: Tx): Promise<readonly (string | null)[]> {
  const orders = await tx.selectFrom('certificateOrders').select('keyId').distinct().execute();
  const accounts = await tx.selectFrom('acmeAccounts').select('keyId').distinct().execute();
  const settings = await tx.selectFrom('tlsSettings').select('secretKeyId as keyId').execute();
  const providers = await tx.selectFrom('dnsProviders').select('secretKeyId as keyId').distinct().execute();
  return [...orders, ...accounts, ...settings, ...providers].map(({ keyId }) => keyId);
}
