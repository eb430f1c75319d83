/** Adds and removes TXT records at one provider. Both may be called again with the same record. */
export interface DnsDriver {
  /** The record is there afterwards, or soon. Other records of the same name stay. @throws SLIP_DNS_PROVIDER */
  present(name: string, value: string): Promise<void>;
  /** @throws SLIP_DNS_PROVIDER */
  cleanup(name: string, value: string): Promise<void>;
  /** The name that `_acme-challenge` must be an alias of. Undefined: the provider can write any name of its zone. */
  readonly aliasTarget?: string | undefined;
}
