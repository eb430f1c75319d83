import type { Server } from 'node:http';

/** Serves a folder; resolves to the listening server. */
export function serve(
  directory: string,
  port: number,
  env?: Readonly<Record<string, string | undefined>>,
): Promise<Server>;
