/** Build output in the format of Heroku. */

export function stepLine(text: string): string {
  return `-----> ${text}\n`;
}

export function detailLine(text: string): string {
  return `       ${text}\n`;
}

export function warningLine(text: string): string {
  return ` !     ${text}\n`;
}

/** `host` → `Host`, `heroku-24` → `Heroku-24`. */
export function stackTitle(stack: string): string {
  return stack.charAt(0).toUpperCase() + stack.slice(1);
}

/** `13.2K`, `45.1M`: like Heroku's "Done: 45.1M". */
export function humanBytes(bytes: number): string {
  const [value, unit] =
    bytes < 1024 ** 2 ? [bytes / 1024, 'K'] : bytes < 1024 ** 3 ? [bytes / 1024 ** 2, 'M'] : [bytes / 1024 ** 3, 'G'];
  return `${value.toFixed(1)}${unit}`;
}

export function cacheDropped(limit: { readonly bytes: number; readonly inodes: number }): string {
  const most = `${humanBytes(limit.bytes)} or ${String(limit.inodes)} files`;
  return `The build cache has more than ${most}, so it was deleted. The next build starts with an empty cache.`;
}

/** The variable STACK for buildpacks: the name of the stack; for `host`, the Heroku stack of the same OS release. */
export function stackVariable(stack: string, platform: string): string {
  if (stack !== 'host') return stack;
  const release = platform.replace(/-[^-]+$/, '');
  return HEROKU_STACKS[release] ?? release;
}

const HEROKU_STACKS: Readonly<Record<string, string>> = { 'ubuntu-22.04': 'heroku-22', 'ubuntu-24.04': 'heroku-24' };

/** The block "Discovering process types". */
export function processTypesBlock(declared: readonly string[], defaults: readonly string[], buildpack: string): string {
  const names = (list: readonly string[]): string => (list.length === 0 ? '(none)' : [...list].sort().join(', '));
  const extra = defaults.filter((type) => !declared.includes(type));
  return [
    stepLine('Discovering process types'),
    detailLine(`Procfile declares types -> ${names(declared)}`),
    extra.length === 0 ? '' : detailLine(`Default types for ${buildpack} -> ${names(extra)}`),
  ].join('');
}
