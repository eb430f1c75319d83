const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** Four decimal numbers. A planner must not import `node:net`, so its `isIPv4` is not used here. */
export function isIpv4Address(text: string): boolean {
  return IPV4.test(text);
}
