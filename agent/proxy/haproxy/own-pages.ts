import { createHash } from 'node:crypto';
import { PAGE_BYTES_MAX, type Maintenance } from '../../../shared/domain/fleet-routes.ts';
import type { AppRoutes } from '../port.ts';
import { compare } from './compare.ts';
import type { OwnPage } from './slot-table.ts';

/** Backends that answer with a maintenance page have this prefix. No pool has it. */
export const PAGE_PREFIX = 'page_';
/** The backend with the page of the proxy. */
export const DEFAULT_PAGE = `${PAGE_PREFIX}default`;

/** The backend of a maintenance page. Equal pages have one backend. A page that is too large is replaced by the default. */
export function pageBackend({ page }: Maintenance): string {
  if (page === undefined || Buffer.byteLength(page) > PAGE_BYTES_MAX) return DEFAULT_PAGE;
  return `${PAGE_PREFIX}${createHash('sha256').update(page).digest('hex').slice(0, 32)}`;
}

/** The own pages of the apps that are in maintenance, each once. */
export function ownPages(routes: readonly AppRoutes[]): readonly OwnPage[] {
  const pages = new Map<string, string>();
  for (const { maintenance } of routes) {
    const name = maintenance === undefined ? DEFAULT_PAGE : pageBackend(maintenance);
    if (name !== DEFAULT_PAGE) pages.set(name, maintenance?.page ?? '');
  }
  return [...pages].map(([name, html]) => ({ name, html })).sort((a, b) => compare(a.name, b.name));
}
