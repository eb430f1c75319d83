/** Processor time of some synchronous work, ms. Other programs of the machine do not count, so a test may have a bound for it. */
export function cpuTimeMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
