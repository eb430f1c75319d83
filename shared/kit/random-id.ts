import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

/** Makes random ids. Tests replace it with a counter. */
export type RandomId = () => string;

/** 20 lower-case letters and digits with 103 random bits. Every id of the domain accepts this form. */
export const randomId: RandomId = () => {
  let id = '';
  while (id.length < 20) {
    for (const byte of randomBytes(32)) {
      // 252 is the largest multiple of 36 in a byte. With larger values, low digits would be more likely.
      if (byte < 252 && id.length < 20) id += ALPHABET.charAt(byte % 36);
    }
  }
  return id;
};
