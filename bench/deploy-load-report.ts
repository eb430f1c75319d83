import { spread } from './figures.ts';
import type { StreamFigures } from './deploy-load-streams.ts';
import type { RequestFigures } from './deploy-load-worker.ts';

/** One operation. */
export interface Sample {
  /** From its start to the first answer of the new release. Absent for a drain, which makes no release. */
  readonly firstNewMs?: number;
  /** From its start to the end of the command. */
  readonly returnedMs: number;
}

export interface PhaseResult {
  readonly name: string;
  readonly samples: readonly Sample[];
  readonly streams: StreamFigures;
  /** Operations that failed, and what was wrong at the end of the phase. */
  readonly failures: readonly string[];
}

export type Report = readonly (PhaseResult & { readonly requests: RequestFigures })[];

type Row = Report[number];

function failedRequests({ requests }: Row): number {
  return Object.values(requests.failures).reduce((sum, count) => sum + count, 0);
}

function requestRow(row: Row): Record<string, string | number> {
  const { requests, onOpenConnections, seconds, medianMs, p99Ms, maxMs } = row.requests;
  const round = (value: number): number => Math.round(value * 10) / 10;
  return {
    phase: row.name,
    seconds: round(seconds),
    requests,
    'keep-alive': onOpenConnections,
    'per second': round(requests / seconds),
    failed: failedRequests(row),
    'p50 ms': round(medianMs),
    'p99 ms': round(p99Ms),
    'max ms': round(maxMs),
  };
}

function operationRow({ name, samples, streams, failures }: Row): Record<string, string | number> {
  return {
    phase: name,
    n: samples.length,
    'first new answer, ms': spread(samples.flatMap(({ firstNewMs }) => firstNewMs ?? [])),
    'command, ms': spread(samples.map(({ returnedMs }) => returnedMs)),
    websockets: streams.websockets,
    echoed: streams.echoed,
    'ended by drain': streams.ended,
    'responses of 20 s': streams.slow,
    failed: streams.failures.length + failures.length,
  };
}

/** Prints tables, reasons and JSON. @returns whether nothing failed */
export function printReport(report: Report, about: Readonly<Record<string, unknown>>): boolean {
  console.table(report.map(requestRow));
  console.table(report.map(operationRow));
  const reasons = report.flatMap(({ name, requests, streams, failures }) => [
    ...Object.entries(requests.failures).map(([reason, count]) => `${name}: ${String(count)} × ${reason}`),
    ...[...streams.failures, ...failures].map((failure) => `${name}: ${failure}`),
  ]);
  for (const reason of reasons) console.log(reason);
  const requests = report.reduce((sum, row) => sum + row.requests.requests, 0);
  const failed = report.reduce((sum, row) => sum + failedRequests(row), 0);
  console.log(`${String(failed)} of ${String(requests)} requests failed`);
  console.log(JSON.stringify({ ...about, requests, failed, phases: report }));
  return reasons.length === 0;
}
