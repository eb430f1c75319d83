/** What a stream to a process is for. */
export type AttachPurpose = 'shell' | 'command' | 'forward' | 'copy';

/** What somebody does with such a stream: `ada has a terminal in web.1`. */
export const SAY_PURPOSE: Readonly<Record<AttachPurpose | 'unknown', string>> = Object.freeze({
  shell: 'has a terminal in',
  command: 'runs a command in',
  forward: 'has a port forwarded to',
  copy: 'copies files of',
  unknown: 'uses',
});

/** The purpose that a start frame really has, so that nobody can call a shell a forwarded port. @param start the content of the frame */
export function purposeOf(start: Buffer): AttachPurpose {
  const [mode, _rows, _columns, _term, ...words] = start.toString('utf8').split('\0');
  if (mode === 'port') return 'forward';
  if (words.length === 0) return 'shell';
  return mode === 'pipe' && isCopy(words) ? 'copy' : 'command';
}

/** The commands with which ps:copy works. */
export const COPY_COMMANDS = Object.freeze({
  pack: (folder: string, name: string) => ['tar', '-C', folder, '-cf', '-', '--', name],
  unpack: (folder: string) => ['tar', '-C', folder, '-xf', '-'],
  isFolder: (path: string) => ['test', '-d', path],
});

function isCopy(words: readonly string[]): boolean {
  const { pack, unpack, isFolder } = COPY_COMMANDS;
  const [, , third = '', , , , name = ''] = words;
  return [pack(third, name), unpack(third), isFolder(third)].some(
    (command) => command.length === words.length && command.every((word, at) => word === words[at]),
  );
}
