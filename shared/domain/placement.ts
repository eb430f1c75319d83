import { SlipwayError } from '../kit/errors.ts';
import { ownProperty } from '../kit/own-property.ts';
import type { Limits } from './assignment.ts';
import { quoteInput } from './names.ts';

/** The wanted number of instances of a process type, or one on every eligible node. */
export type Count = number | 'all';

/** Process type → wanted instances. Types that were never scaled are absent. */
export type Formation = Readonly<Record<string, Count>>;

/** How a release continues when no node has room for its instances beside the ones that they replace. */
export type OnFull = 'wait' | 'stop-first';

/** What is stopped: all process types of an app, or some. A stopped type keeps its count for the next start. */
export type Stopped = 'all' | readonly string[];

/** Where the instances of one process type may run. */
export interface PlacementRule {
  /** Labels a node must have, with these values. */
  readonly require: RequiredLabels;
  /** Instances are spread over the values of this label, and then over nodes. */
  readonly spread?: string | undefined;
  readonly onFull: OnFull;
}

/** The settings of one process type. Absent settings have their default. */
export interface ProcessSettings {
  readonly placement?: PlacementRule | undefined;
  readonly limits?: LimitSettings | undefined;
}

/** Limits that a user chose. The others have their default. */
export type LimitSettings = { readonly [Name in keyof Limits]?: number | undefined };

export const ANYWHERE: PlacementRule = Object.freeze({ require: Object.freeze({}), onFull: 'wait' });

export const MAX_COUNT = 1000;

/** Names of labels with the values that a node must have. */
export type RequiredLabels = Readonly<Record<string, string>>;

/** Why a node does not match, to follow its name in a sentence; undefined when it has all labels. Pure. */
export function missingLabel(labels: RequiredLabels, required: RequiredLabels): string | undefined {
  const missing = Object.keys(required)
    .sort()
    .find((label) => ownProperty(labels, label) !== required[label]);
  if (missing === undefined) return undefined;
  const [has, value] = [ownProperty(labels, missing), required[missing]];
  return `it has ${has === undefined ? `no label ${missing}` : `${missing}=${has}`}, ${missing}=${String(value)} is required`;
}

/** Most nodes in one message. */
const NAMED = 12;

/** The reason for each node, as `fra-1: it is cordoned …; fra-2: …`; `none` when there is no node. Pure. */
export function sayReasons(reasons: Readonly<Record<string, string>>, none: string): string {
  const all = Object.entries(reasons).map(([node, why]) => `${node}: ${why}`);
  const more = all.length > NAMED ? [`and ${String(all.length - NAMED)} more nodes cannot either`] : [];
  return all.length === 0 ? none : [...all.slice(0, NAMED), ...more].join('; ');
}

/** A sentence that says which nodes build. Pure. */
export function sayWhoBuilds(required: RequiredLabels): string {
  const labels = Object.entries(required).map(([label, value]) => `${label}=${value}`);
  return labels.length === 0
    ? 'Every node whose agent is set to build may build.'
    : `Only nodes with ${labels.sort().join(', ')} may build.`;
}

/** A sentence that says which nodes answer HTTPS. Pure. */
export function sayWhoAnswersHttps(required: RequiredLabels): string {
  const labels = Object.entries(required).map(([label, value]) => `${label}=${value}`);
  return labels.length === 0
    ? 'Every node answers HTTPS and holds the keys of certificates.'
    : `Only nodes with ${labels.sort().join(', ')} answer HTTPS and hold the keys of certificates.`;
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
 * Applies `3`, `+1`, `-1` or `all` (Heroku's ps:scale) to the current count. The result is never below zero.
 * @throws SLIP_PS_QUANTITY
 */
export function parseCount(text: string, now: Count): Count {
  if (text === 'all') return 'all';
  const match = /^([+-]?)(\d{1,6})$/.exec(text);
  if (match === null) throw refuseCount(`The quantity ${quoteInput(text)} is not allowed.`);
  const [, sign, digits] = match;
  if (sign !== '' && now === 'all')
    throw refuseCount('It runs on every node ("all"), so a number cannot be added or subtracted.');
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

/** As on Heroku: one `web` instance and no other, until a user scales the type. */
export function defaultCount(processType: string): Count {
  return processType === 'web' ? 1 : 0;
}

/** The wanted count of each process type of a release. `release` is a command of a deploy, not a process type. */
export function wantedCounts(processTypes: Readonly<Record<string, string>>, formation: Formation): Formation {
  const types = Object.keys(processTypes).filter((type) => type !== 'release');
  return Object.fromEntries(types.map((type) => [type, ownProperty(formation, type) ?? defaultCount(type)]));
}

export function isStopped(stopped: Stopped | undefined, processType: string): boolean {
  return stopped === 'all' || stopped?.includes(processType) === true;
}

/** The counts that run now: those that are wanted, and 0 for each stopped type. */
export function runningCounts(
  processTypes: Readonly<Record<string, string>>,
  formation: Formation,
  stopped: Stopped | undefined,
): Formation {
  const wanted = wantedCounts(processTypes, formation);
  return Object.fromEntries(
    Object.entries(wanted).map(([type, count]) => [type, isStopped(stopped, type) ? 0 : count]),
  );
}

/** A sentence without its period: `shop is stopped`, `web and worker of shop are stopped`. */
export function sayStopped(stopped: Stopped, app: string): string {
  if (stopped === 'all') return `${app} is stopped`;
  return `${stopped.join(', ')} of ${app} ${stopped.length === 1 ? 'is' : 'are'} stopped`;
}
