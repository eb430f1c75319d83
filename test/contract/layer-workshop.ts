import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createLayerBuilder } from '../../agent/build/layers/layer-builder.ts';
import type { CutRequest, DeclaredLayer, LayerBuilder } from '../../agent/build/layers/port.ts';
import type { NodeImages } from '../../agent/images/port.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { Layer } from '../../shared/domain/slug.ts';
import { run, type Command, type Run } from '../../shared/kit/exec.ts';
import type { Lab, Tree } from '../support/image-lab.ts';
import { openImages } from './images.ts';

export const APP_ID = 'app00001' as AppId;
const COMMIT_TIME_MS = Date.UTC(2026, 10, 20);
export const MODULES: DeclaredLayer = { name: 'dependencies', path: 'node_modules', key: 'lock-1', shared: false };
export const BUNDLE: DeclaredLayer = { name: 'bundle', path: 'vendor/my bundle', key: 'gems-1', shared: true };
export const TREE: Tree = {
  'server.js': 'v1',
  'new\nline': 'a',
  '-dash': 'b',
  'sp ace [x]*?\\': 'c',
  ünï: 'd',
  link: { link: '/etc/passwd' },
  'vendor/own': 'e',
  'vendor/my bundle/gem': 'f',
  'node_modules/.bin/tool': { link: '../m/cli.js' },
  'node_modules/m/cli.js': 'g',
  'node_modules/.package-lock.json': 'h',
};

interface Workshop {
  readonly lab: Lab;
  readonly images: NodeImages;
  readonly builder: LayerBuilder;
  /** Command lines of mksquashfs so far. */
  readonly packed: string[];
}

export async function openWorkshop(lab: Lab): Promise<Workshop> {
  const { images, stateDir } = await openImages(lab, { mode: process.getuid?.() === 0 ? 'mount' : 'extract' });
  const packed: string[] = [];
  const recording: Run = async (command: Command) => {
    if (command.args.includes('mksquashfs')) packed.push(command.args.join(' '));
    return await run(command);
  };
  return { lab, images, packed, builder: createLayerBuilder({ stateDir }, { images, run: recording }) };
}

export async function request(lab: Lab, changes: Partial<CutRequest> = {}): Promise<CutRequest> {
  const upperDir = join(lab.dir, 'upper');
  await mkdir(upperDir, { recursive: true });
  return {
    appId: APP_ID,
    appDir: join(lab.dir, 'tree'),
    upperDir,
    declared: [MODULES, BUNDLE],
    reused: [],
    commitTimeMs: COMMIT_TIME_MS,
    slugLimitBytes: 1e9,
    treeLimits: { bytes: 1e10, entries: 1e6 },
    memoryBytes: 2e9,
    signal: new AbortController().signal,
    ...changes,
  };
}

export const digests = (layers: readonly Layer[]): readonly string[] => layers.map((layer) => layer.digest);
