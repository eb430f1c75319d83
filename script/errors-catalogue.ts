import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** One row of docs/errors.md. */
export interface ErrorRow {
  readonly code: string;
  readonly meaning: string;
  readonly remedy: string;
}

const CODE = /^SLIP_[A-Z0-9]+(?:_[A-Z0-9]+)*$/;
const BEGIN = '<!-- codes: begin (script/errors-doc.ts keeps this list complete; you may improve the texts) -->';
const END = '<!-- codes: end -->';
const PROGRAMS = ['controller', 'agent', 'cli', 'shared'];

export const UNWRITTEN = '(to be written)';

/** Every code in the source of the programs, with its message and hint. Sorted by code. */
export function codesInSource(root: string): readonly ErrorRow[] {
  const rows = new Map<string, ErrorRow>();
  for (const path of PROGRAMS.flatMap((folder) => sourceFiles(join(root, folder)))) {
    for (const row of codesInFile(path)) {
      const known = rows.get(row.code);
      if (known === undefined || known.meaning === UNWRITTEN) rows.set(row.code, row);
    }
  }
  return [...rows.values()].sort(byCode);
}

/** The rows of the table in docs/errors.md. */
export function codesInDocument(markdown: string): readonly ErrorRow[] {
  return [...markdown.matchAll(/^\| `(SLIP_[A-Z0-9_]+)` \| (.*?) \| (.*?) \|$/gm)].map(
    ([, code = '', meaning = '', remedy = '']) => ({
      code,
      meaning,
      remedy,
    }),
  );
}

/** The document with exactly the codes of the source. The text about a known code stays. */
export function renderDocument(markdown: string, inSource: readonly ErrorRow[]): string {
  const written = new Map(codesInDocument(markdown).map((row) => [row.code, row]));
  const lines = inSource.map((found) => {
    const row = written.get(found.code);
    const meaning = row === undefined || row.meaning === UNWRITTEN ? found.meaning : row.meaning;
    const remedy = row === undefined || row.remedy === UNWRITTEN ? found.remedy : row.remedy;
    return `| \`${found.code}\` | ${meaning} | ${remedy} |`;
  });
  const table = [BEGIN, '', '| code | meaning | what to do |', '|---|---|---|', ...lines, '', END].join('\n');
  const begin = markdown.indexOf(BEGIN);
  const end = markdown.indexOf(END);
  if (begin < 0 || end < 0) return `${markdown.trimEnd()}\n\n${table}\n`;
  return markdown.slice(0, begin) + table + markdown.slice(end + END.length);
}

function byCode(left: ErrorRow, right: ErrorRow): number {
  return left.code < right.code ? -1 : left.code > right.code ? 1 : 0;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function codesInFile(path: string): ErrorRow[] {
  const rows: ErrorRow[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) && CODE.test(node.text)) rows.push(rowAt(node));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true));
  return rows;
}

/** The texts beside a code: `{ code, message, hint }`, or the arguments that follow it in a call. */
function rowAt(literal: ts.StringLiteralLike): ErrorRow {
  const owner = literal.parent;
  const words = ts.isPropertyAssignment(owner) ? wordsOfObject(owner.parent) : wordsAfter(literal);
  return { code: literal.text, meaning: cell(words[0]), remedy: cell(words[1]) };
}

function wordsOfObject(object: ts.ObjectLiteralExpression): [string | undefined, string | undefined] {
  const value = (names: readonly string[]): string | undefined => {
    const found = object.properties.find(
      (property) => ts.isPropertyAssignment(property) && names.includes(property.name.getText()),
    );
    return found !== undefined && ts.isPropertyAssignment(found) ? textOf(found.initializer) : undefined;
  };
  return [value(['message', 'sentence']), value(['hint', 'rule'])];
}

function wordsAfter(literal: ts.StringLiteralLike): [string | undefined, string | undefined] {
  const call = literal.parent;
  if (!ts.isCallExpression(call) && !ts.isArrayLiteralExpression(call)) return [undefined, undefined];
  const values = ts.isCallExpression(call) ? call.arguments : call.elements;
  const texts = values.slice(values.indexOf(literal) + 1).map(textOf);
  return [texts[0], texts[1]];
}

/** The text of a literal. A value that is filled in at run time becomes `…`. */
function textOf(node: ts.Expression): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node))
    return node.head.text + node.templateSpans.map((span) => `…${span.literal.text}`).join('');
  if (!ts.isBinaryExpression(node)) return undefined;
  return `${textOf(node.left) ?? '…'}${textOf(node.right) ?? '…'}`;
}

function cell(text: string | undefined): string {
  const flat = (text ?? '').replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').trim();
  return /[a-z]{2}/i.test(flat) ? flat : UNWRITTEN;
}
