import type { Layer } from '../../../shared/domain/slug.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { CommandResult } from '../../../shared/kit/exec.ts';
import { builderDiskFull } from '../builder-disk.ts';

export function packFailure(result: CommandResult, slugLimitBytes: number): SlipwayError {
  const said = result.stderr.trim().split('\n').at(-1) ?? '';
  if (result.signal === 'SIGXFSZ' || /file too large/i.test(result.stderr)) return tooLarge(undefined, slugLimitBytes);
  if (/no space left/i.test(result.stderr)) return builderDiskFull(new Error(said));
  if (/name too long/i.test(result.stderr)) return pathTooLong();
  if (result.signal === 'SIGKILL') return packMemory();
  return new SlipwayError({
    code: 'SLIP_BUILD_PACK',
    kind: 'transient',
    message: `The slug could not be packed: ${said === '' ? `mksquashfs ended with ${result.signal ?? String(result.code)}` : said}`,
    hint: 'Push again. If it fails again, read the log of the agent on the builder.',
  });
}

/** @throws SLIP_SLUG_TOO_LARGE */
export function checkSize(layers: readonly Layer[], limitBytes: number): void {
  const sizeBytes = layers.reduce((sum, layer) => sum + layer.sizeBytes, 0);
  if (sizeBytes > limitBytes) throw tooLarge(layers, limitBytes);
}

function tooLarge(layers: readonly Layer[] | undefined, limitBytes: number): SlipwayError {
  const parts = layers?.map((layer) => `${layer.name} ${megabytes(layer.sizeBytes)}`).join(', ');
  return new SlipwayError({
    code: 'SLIP_SLUG_TOO_LARGE',
    httpStatus: 422,
    message: `The slug is larger than ${megabytes(limitBytes)}${parts === undefined ? '' : ` (${parts})`}.`,
    hint: 'List what the app does not need at run time in .slugignore, or keep large files outside the repository.',
    details: { limitBytes },
  });
}

export function packTimeout(timeoutMs: number): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_BUILD_PACK_TIMEOUT',
    message: `Packing the slug took longer than ${String(timeoutMs / 1000)} s and was stopped.`,
    hint: 'Reduce the number and the size of the files in the app, for example with .slugignore; then push again.',
  });
}

function packMemory(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_BUILD_PACK_MEMORY',
    message: 'Packing the slug needs more memory than the build may use.',
    hint: 'Reduce the number of files in the app, or ask the operator for a higher build limit; then push again.',
  });
}

function pathTooLong(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_BUILD_PATH_TOO_LONG',
    message: 'The finished app has a file whose path is longer than 4095 bytes, so it cannot be packed.',
    hint: 'Let the build remove the deep folders at its end; then push again. find . -printf "%P\\n" shows the paths.',
    httpStatus: 422,
  });
}

const MIB = 1024 * 1024;

/** As in "500 MB", Heroku's limit. */
function megabytes(bytes: number): string {
  return bytes < MIB ? `${(bytes / 1024).toFixed(1)} kB` : `${(bytes / MIB).toFixed(1)} MB`;
}
