/** Number of user ids of one app, as many as a Linux system with its own users needs. */
export const UIDS_PER_APP = 65_536;
/** First user id of the first range, far above the ids that distributions assign in /etc/subuid. */
export const FIRST_UID_BASE = 0x20000000;

/** Whether two apps with these first user ids would share some. */
export function rangesOverlap(a: number, b: number): boolean {
  return Math.abs(a - b) < UIDS_PER_APP;
}

export function isInRange(id: number, uidBase: number): boolean {
  return id >= uidBase && id < uidBase + UIDS_PER_APP;
}
