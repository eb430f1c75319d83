import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

/** Draws ids; a dependency, so that tests can count instead. */
export type RandomId = () => string;

/** 20 lower-case letters and digits, 103 bits of chance: the shape every id of the domain accepts. */
export const randomId: RandomId = () => {
  let id = '';
  while (id.length < 20) {
    for (const byte of randomBytes(32)) {
      // 252 is the largest multiple of 36 in a byte; beyond it the low digits would be likelier.
      if (byte < 252 && id.length < 20) id += ALPHABET.charAt(byte % 36);
    }
  }
  return id;
};
