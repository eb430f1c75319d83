/** The keys that the stored config values need. */
export interface ConfigKeyUse {
  /** Every key that a stored value needs. */
  readonly needed: readonly string[];
  /** The file has values in clear text, or had some and may still have them in free pages. */
  readonly clearText: boolean;
}

/** Encryption of the config values in the database: config vars, and the config of releases. */
export interface ConfigKeyStore {
  configKeyUse(): Promise<ConfigKeyUse>;
  /** Encrypts a limited number of values that have another key or none. @returns how many; 0: none are left */
  encryptSome(): Promise<number>;
  /**
   * Removes from the files of the database what deleted and encrypted values left there. `compact` writes the whole database again, which is
   * needed once, after values in clear text. @returns false when another program reads the database, so that its WAL stays
   */
  scrub(compact: boolean): Promise<boolean>;
}
