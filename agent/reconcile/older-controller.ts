/** What to do about a controller whose database is older than what this node has obeyed. */
export const OLDER_CONTROLLER_HINT =
  'If another controller runs too, stop this one. If its database was restored from a backup, stop it, run `node controller/main.ts restored` on its machine, and start it again.';
