/** The used fields of one line of /proc/self/mountinfo. */
export interface MountEntry {
  readonly mountPoint: string;
  /** The mounted folder of the file system: `/`, unless it is a bind of a subfolder. */
  readonly root: string;
  readonly shared: boolean;
  readonly fsType: string;
  readonly source: string;
}

/** Mounts in the order of the file: a later one on the same point hides the earlier. Invalid lines are ignored. */
export function parseMountinfo(text: string): readonly MountEntry[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.split(' ');
    const separator = fields.indexOf('-', 6);
    const [root, mountPoint] = fields.slice(3, 5);
    const fsType = fields[separator + 1];
    if (separator < 0 || root === undefined || mountPoint === undefined || fsType === undefined) return [];
    const shared = fields.slice(6, separator).some((field) => field.startsWith('shared:'));
    const source = unescapeOctal(fields[separator + 2] ?? '');
    return [{ mountPoint: unescapeOctal(mountPoint), root: unescapeOctal(root), shared, fsType, source }];
  });
}

/** The mount that contains a path (absolute, resolved). */
export function mountOf(entries: readonly MountEntry[], path: string): MountEntry | undefined {
  const holds = (point: string): boolean => point === '/' || path === point || path.startsWith(`${point}/`);
  return entries
    .filter((entry) => holds(entry.mountPoint))
    .reduce<MountEntry | undefined>(
      (best, entry) => (entry.mountPoint.length >= (best?.mountPoint.length ?? 0) ? entry : best),
      undefined,
    );
}

/** The kernel writes space, tab, newline, backslash and # as `\ooo`, byte by byte. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
