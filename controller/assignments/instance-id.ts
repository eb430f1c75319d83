import { randomInt } from 'node:crypto';
import type { InstanceId } from '../../shared/domain/ids.ts';

/** 16 lower-case letters and digits, a letter first. It is valid as a folder, a cgroup and a host name. */
export function newInstanceId(): InstanceId {
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  const all = `${letters}0123456789`;
  const rest = Array.from({ length: 15 }, () => all[randomInt(all.length)]).join('');
  return `${letters[randomInt(letters.length)] ?? 'a'}${rest}` as InstanceId;
}
