import { randomInt } from 'node:crypto';

const FIRST = [
  'amber',
  'brisk',
  'calm',
  'clear',
  'dry',
  'early',
  'fair',
  'gentle',
  'high',
  'keen',
  'long',
  'mild',
  'north',
  'quiet',
  'swift',
  'tidal',
];
const SECOND = [
  'anchor',
  'bay',
  'beacon',
  'buoy',
  'canal',
  'cove',
  'current',
  'dock',
  'harbor',
  'hull',
  'keel',
  'lock',
  'mast',
  'pier',
  'sail',
  'wharf',
];

/** A random name such as `quiet-harbor-48213`. About 25 million names are possible. */
export function drawAppName(): string {
  return `${pick(FIRST)}-${pick(SECOND)}-${randomInt(10_000, 100_000)}`;
}

function pick(words: readonly string[]): string {
  return words[randomInt(words.length)] ?? 'calm';
}
