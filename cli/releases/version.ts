import { SlipwayError } from '../../shared/kit/errors.ts';
import type { ApiClient } from '../client.ts';
import { usageError } from '../usage-error.ts';

/** `7` or `v7`. @throws SLIP_CLI_USAGE */
export function parseVersion(text: string, example: string): number {
  const [, digits] = /^v?([1-9]\d{0,8})$/.exec(text) ?? [];
  if (digits !== undefined) return Number(digits);
  throw usageError(`${JSON.stringify(text)} is not a version, such as v7.`, `For example: ${example}`);
}

/** The version of the current release. @throws SLIP_CLI_NO_RELEASE */
export async function currentVersion(api: ApiClient, app: string): Promise<number> {
  const { release } = await api.call('showApp', { params: { app } });
  if (release !== undefined) return release.version;
  throw new SlipwayError({
    code: 'SLIP_CLI_NO_RELEASE',
    message: `${app} has no release yet.`,
    hint: 'Create one with: git push slipway main',
  });
}
