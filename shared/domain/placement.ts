import { SlipwayError } from '../kit/errors.ts';
import { ownProperty } from '../kit/own-property.ts';
import type { Limits } from './assignment.ts';
import { quoteInput } from './names.ts';

/** How many of a process type run: a number, or one on every eligible node. */
export type Count = number | 'all';

/** Process type → how many; types that nobody scaled are absent. */
export type Formation = Readonly<Record<string, Count>>;

/** What happens to a release when no node has room for its instances beside the ones they replace. */
export type OnFull = 'wait' | 'stop-first';

/** Where the instances of one process type may go. */
export interface PlacementRule {
  /** Labels a node must have, with these values. */
  readonly require: RequiredLabels;
  /** Label over whose values instances are spread, after nodes. */
  readonly spread?: string | undefined;
  readonly onFull: OnFull;
}

/** What somebody set for one process type; what is absent is as for every other. */
export interface ProcessSettings {
  readonly placement?: PlacementRule | undefined;
  readonly limits?: LimitSettings | undefined;
}

/** Limits that somebody chose; the others are the defaults. */
export type LimitSettings = { readonly [Name in keyof Limits]?: number | undefined };

export const ANYWHERE: PlacementRule = Object.freeze({ require: Object.freeze({}), onFull: 'wait' });

export const MAX_COUNT = 1000;

/** Names of labels with the values that a node must have. */
export type RequiredLabels = Readonly<Record<string, string>>;

/** What a node lacks of them, in words that follow its name; `undefined` when it has them all. Pure. */
export function missingLabel(labels: RequiredLabels, required: RequiredLabels): string | undefined {
  const missing = Object.keys(required)
    .sort()
    .find((label) => ownProperty(labels, label) !== required[label]);
  if (missing === undefined) return undefined;
  const [has, value] = [ownProperty(labels, missing), required[missing]];
  return `it has ${has === undefined ? `no label ${missing}` : `${missing}=${has}`}, ${missing}=${String(value)} is required`;
}

/** So many nodes are named: the sentence stays one in a fleet of a thousand. */
const NAMED = 12;

/** Node → why not there, as `fra-1: it is cordoned …; fra-2: …`; or what to say when there is no node to speak of. Pure. */
export function sayReasons(reasons: Readonly<Record<string, string>>, none: string): string {
  const all = Object.entries(reasons).map(([node, why]) => `${node}: ${why}`);
  const more = all.length > NAMED ? [`and ${String(all.length - NAMED)} more nodes cannot either`] : [];
  return all.length === 0 ? none : [...all.slice(0, NAMED), ...more].join('; ');
}

/** Who is given builds, for people. Pure. */
export function sayWhoBuilds(required: RequiredLabels): string {
  const labels = Object.entries(required).map(([label, value]) => `${label}=${value}`);
  return labels.length === 0
    ? 'Every node whose agent is set to build may build.'
    : `Only nodes with ${labels.sort().join(', ')} may build.`;
}

const LABEL_NAME = /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/;
const LABEL_VALUE = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** @throws SLIP_NAME_LABEL */
export function parseLabelName(text: string): string {
  if (LABEL_NAME.test(text)) return text;
  throw refuseLabel(
    'The label',
    text,
    'A label has 1 to 63 lower-case letters, digits, dots, dashes and underscores, e.g. region.',
  );
}

/** @throws SLIP_NAME_LABEL */
export function parseLabelValue(text: string): string {
  if (LABEL_VALUE.test(text)) return text;
  throw refuseLabel(
    'The label value',
    text,
    'A label value has 1 to 63 letters, digits, dots, dashes and underscores, e.g. fra-1.',
  );
}

function refuseLabel(field: string, text: string, hint: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_NAME_LABEL',
    message: `${field} ${quoteInput(text)} is not allowed.`,
    hint,
    httpStatus: 422,
  });
}

/**
 * `3`, `+1`, `-1` or `all`, as Heroku's ps:scale takes them, applied to what is wanted now. A number never goes below zero.
 * @throws SLIP_PS_QUANTITY
 */
export function parseCount(text: string, now: Count): Count {
  if (text === 'all') return 'all';
  const match = /^([+-]?)(\d{1,6})$/.exec(text);
  if (match === null) throw refuseCount(`The quantity ${quoteInput(text)} is not allowed.`);
  const [, sign, digits] = match;
  if (sign !== '' && now === 'all')
    throw refuseCount('It runs on every node now ("all"): there is nothing to add to, or to take away from.');
  const base = sign === '' || now === 'all' ? 0 : now;
  const count = Math.max(0, base + (sign === '-' ? -Number(digits) : Number(digits)));
  if (count > MAX_COUNT) throw refuseCount(`At most ${String(MAX_COUNT)} instances of one process type can run.`);
  return count;
}

function refuseCount(message: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_PS_QUANTITY',
    message,
    hint: 'Give a number, +1, -1 or all, for example: slipway ps:scale web=3 worker=all',
    httpStatus: 422,
  });
}

/** Heroku: `web` starts with one, everything else with none, until somebody scales it. */
export function defaultCount(processType: string): Count {
  return processType === 'web' ? 1 : 0;
}

/** What is wanted of each process type that a release declares; `release` is a command of a deploy, never a process. */
export function wantedCounts(processTypes: Readonly<Record<string, string>>, formation: Formation): Formation {
  const types = Object.keys(processTypes).filter((type) => type !== 'release');
  return Object.fromEntries(types.map((type) => [type, ownProperty(formation, type) ?? defaultCount(type)]));
}
