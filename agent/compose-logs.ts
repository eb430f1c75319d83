import { join } from 'node:path';
import type { AppId } from '../shared/domain/ids.ts';
import type { LogLine } from '../shared/domain/log-line.ts';
import type { Clock } from '../shared/kit/clock.ts';
import type { AcceptedDocuments } from './accepted/documents.ts';
import type { AgentConfig } from './config.ts';
import type { DestroyedApps } from './destroyed/destroyed-apps.ts';
import { appIdsByName, moveFormerLogs } from './logs/former-logs.ts';
import { createLogs } from './logs/logs.ts';
import type { LogBook } from './logs/log-book.ts';
import type { Logs } from './logs/port.ts';
import type { Proxy } from './proxy/port.ts';
import type { Sandbox } from './sandbox/port.ts';
import { parseRouterLine } from './proxy/router-line.ts';
import type { SessionHandlers } from './session/port.ts';

interface Parts {
  readonly sandbox: Sandbox;
  readonly proxy: Proxy;
  readonly logBook: LogBook;
  readonly logs: Logs;
  readonly documents: AcceptedDocuments;
  readonly destroyed: Pick<DestroyedApps, 'has'>;
}

/** Folder of the platform's own lines, with one folder for each app. */
const LOGS_DIR = 'platform-logs';
/** The folder of older agents, with one folder for each app name. */
const FORMER_LOGS_DIR = 'app-logs';

export function composeLogs(
  { config, clock }: { readonly config: AgentConfig; readonly clock: Clock },
  from: Pick<Parts, 'sandbox' | 'proxy' | 'logBook'>,
): Logs {
  return createLogs(
    { dir: join(config.stateDir, LOGS_DIR) },
    {
      clock,
      sources: (appId) => from.logBook.sources(appId),
      onSourcesChanged: (listener) => from.logBook.onChange(listener),
      instanceLogDir: (id) => from.sandbox.logDir(id),
      routerLogDir: from.proxy.logDir(),
      routerLine: (text) => parseRouterLine(text),
    },
  );
}

/** Takes over the logs of an older agent, which kept them by the names of apps. */
export async function identifyLogs(
  stateDir: string,
  { logBook, sandbox }: Pick<Parts, 'logBook' | 'sandbox'>,
  appIds: ReadonlyMap<string, AppId>,
): Promise<void> {
  for (const id of logBook.identify((name) => appIds.get(name))) await sandbox.forget(id);
  await moveFormerLogs(join(stateDir, FORMER_LOGS_DIR), join(stateDir, LOGS_DIR), appIds);
}

type Query = Parameters<SessionHandlers['queryLogs']>[0];

/** An older controller sends the name of an app. It gets the lines of the app that has this name now. A destroyed app has no lines, and gets no folder. */
export function queryLogs(
  { logs, documents, destroyed }: Pick<Parts, 'logs' | 'documents' | 'destroyed'>,
  query: Query,
  signal: AbortSignal,
): AsyncIterable<LogLine> {
  const { desiredState, fleetRoutes } = documents;
  const appId = query.appId ?? appIdsByName(desiredState.current(), fleetRoutes.current()).get(query.app);
  return appId === undefined || destroyed.has(appId) ? noLines() : logs.query({ ...query, appId }, signal);
}

async function* noLines(): AsyncGenerator<never> {
  // no app has this name here
}
