import { renderTable } from '../terminal/table.ts';
import type { Difference, ReleaseDiff } from './diff.ts';

export interface DiffContext {
  /** Lines of `git log`. */
  readonly subjects: readonly string[];
  readonly values: boolean;
}

export function renderDiff(app: string, diff: ReleaseDiff, { subjects, values }: DiffContext): string {
  const [from, to] = [`v${String(diff.from)}`, `v${String(diff.to)}`];
  const parts = [
    diff.commit === undefined ? '' : section('Code', renderCommits(diff.commit, subjects)),
    diff.stack === undefined ? '' : section('Stack', `  ${diff.stack.from} → ${diff.stack.to}\n`),
    diff.buildpacks === undefined
      ? ''
      : section('Buildpacks', `  ${diff.buildpacks.from.join(', ')} → ${diff.buildpacks.to.join(', ')}\n`),
    diff.processTypes.length === 0 ? '' : section('Process types', renderDifferences(diff.processTypes, true)),
    diff.checks.length === 0 ? '' : section('Health checks', renderDifferences(diff.checks, true)),
    diff.config.length === 0 ? '' : section('Config vars', renderDifferences(diff.config, values)),
  ].join('');
  return `=== ${app} ${from} → ${to}\n${parts === '' ? `${from} and ${to} have the same code, health checks and config.\n` : parts}`;
}

function section(title: string, text: string): string {
  return `${title}\n${text}`;
}

function renderCommits({ from, to }: NonNullable<ReleaseDiff['commit']>, subjects: readonly string[]): string {
  const lines = [`${from.slice(0, 7)} → ${to.slice(0, 7)}`, ...subjects.map((line) => `  ${line}`)];
  return lines.map((line) => `  ${line}\n`).join('');
}

function renderDifferences(differences: readonly Difference[], values: boolean): string {
  const rows = differences.map(({ name, from, to }) => {
    const [sign, word] = from === undefined ? ['+', 'added'] : to === undefined ? ['-', 'removed'] : ['~', 'changed'];
    return [sign, name, values ? valuesOf(from, to) : word];
  });
  return renderTable(rows, '  ');
}

function valuesOf(from: string | undefined, to: string | undefined): string {
  if (from === undefined) return to ?? '';
  if (from === to) return `${from}, changed`;
  return to === undefined ? from : `${from} → ${to}`;
}
