import type { AppHttpsBody } from '../../shared/api/https.ts';

export function renderRedirect(app: string, { redirect, names }: AppHttpsBody): string {
  if (!redirect) return `The redirect of ${app} to HTTPS is off.\n`;
  const ready = names.filter(({ everywhere }) => everywhere).length;
  const rest = `${String(ready)} of ${String(names.length)} ${names.length === 1 ? 'domain is' : 'domains are'} served over HTTPS by every node now.`;
  return `The redirect of ${app} to HTTPS is on. It begins for each name when every node serves its certificate.\n${rest}\n`;
}
