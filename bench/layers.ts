import { mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { cpus, release, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createLayerBuilder } from '../agent/build/layers/layer-builder.ts';
import type { CutRequest, DeclaredLayer, LayerBuilder } from '../agent/build/layers/port.ts';
import { createImages } from '../agent/images/images.ts';
import type { ImageTransport, NodeImages } from '../agent/images/port.ts';
import type { AppId } from '../shared/domain/ids.ts';
import type { Layer } from '../shared/domain/slug.ts';
import { run } from '../shared/kit/exec.ts';

// Measures the cost of layers: `node bench/layers.ts` (as root, squashfs-tools installed). Prints JSON, then a table.

const APP_ID = 'bench001' as AppId;
const MODULES: DeclaredLayer = { name: 'dependencies', path: 'node_modules', key: 'lock', shared: false };
const DEPENDENCY_BYTES = 400e6;
const offline: ImageTransport = {
  download: () => Promise.reject(new Error('offline')),
  upload: () => Promise.resolve(0),
};

interface Row {
  readonly what: string;
  readonly n: number;
  readonly medianMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}

async function measure(what: string, n: number, work: (round: number) => Promise<void>): Promise<Row> {
  const times: number[] = [];
  for (let round = 0; round < n; round += 1) {
    const begun = performance.now();
    await work(round);
    times.push(performance.now() - begun);
  }
  times.sort((a, b) => a - b);
  const at = (index: number): number => Math.round((times[index] ?? NaN) * 10) / 10;
  return { what, n, medianMs: at(Math.floor(n / 2)), minMs: at(0), maxMs: at(n - 1) };
}

async function writeAppFiles(dir: string, version: number): Promise<void> {
  await mkdir(join(dir, 'views'), { recursive: true });
  const names = [
    'server.js',
    'package.json',
    'Procfile',
    'README.md',
    'views/index.html',
    'views/about.html',
    'lib.js',
  ];
  for (const name of names) await writeFile(join(dir, name), `// ${name} ${String(version)}\n`.repeat(40));
}

/** Copies of Slipway's dependencies. Each copy of a file is a little different, so that squashfs stores each of them. */
async function writeDependencies(dir: string): Promise<{ bytes: number; files: number }> {
  const source = join(import.meta.dirname, '..', 'node_modules');
  const entries = (await readdir(source, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  let [bytes, files] = [0, 0];
  for (let copy = 0; bytes < DEPENDENCY_BYTES; copy += 1) {
    for (const entry of entries) {
      if (bytes >= DEPENDENCY_BYTES) break;
      const content = await readFile(join(entry.parentPath, entry.name));
      const folder = join(dir, 'node_modules', `copy-${copy}`, relative(source, entry.parentPath));
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, entry.name), Buffer.concat([Buffer.from(`/* ${copy} */\n`), content]));
      bytes += content.length;
      files += 1;
    }
  }
  return { bytes, files };
}

interface Site {
  readonly dir: string;
  readonly stateDir: string;
  readonly images: NodeImages;
  readonly builder: LayerBuilder;
}

function requestOf(site: Site, tree: string, changes: Partial<CutRequest> = {}): CutRequest {
  const folders = { appDir: join(site.dir, tree), upperDir: join(site.dir, 'upper') };
  const base = { appId: APP_ID, declared: [MODULES], reused: [], commitTimeMs: 1.7e12 };
  const limits = { slugLimitBytes: 2e9, treeLimits: { bytes: 1e11, entries: 1e7 }, memoryBytes: 2e9 };
  return { ...base, ...limits, ...folders, signal: new AbortController().signal, ...changes };
}

async function benchCut(site: Site): Promise<{ rows: Row[]; dependencies: Layer }> {
  const small = join(site.dir, 'small');
  const large = join(site.dir, 'large');
  await mkdir(join(site.dir, 'upper'), { recursive: true });
  await writeAppFiles(small, 0);
  const rows = [
    await measure('cut and squash 7 files, all in', 30, async (round) => {
      await writeFile(join(small, 'server.js'), `// version ${String(round)}\n`);
      await site.builder.cut(requestOf(site, 'small'));
    }),
  ];
  await writeAppFiles(large, 0);
  const { bytes, files } = await writeDependencies(large);
  let layers: readonly Layer[] = [];
  rows.push(
    await measure(`first cut: ${Math.round(bytes / 1e6)} MB in ${files} files (with digest and fsync)`, 3, async () => {
      layers = await site.builder.cut(requestOf(site, 'large'));
    }),
  );
  const reused = await site.builder.cached(APP_ID, [MODULES]);
  rows.push(
    await measure('one-line change, 400 MB dependency layer reused', 30, async (round) => {
      await writeFile(join(large, 'server.js'), `// version ${String(round)}\n`);
      await site.builder.cut(requestOf(site, 'large', { reused }));
    }),
  );
  rows.push(
    await measure('looking up the reused layer', 30, async () => {
      await site.builder.cached(APP_ID, [MODULES]);
    }),
  );
  const [dependencies] = layers;
  if (dependencies === undefined) throw new Error('no layer came out');
  return { rows, dependencies };
}

async function benchMount(site: Site, ownership: 'copy' | 'auto', layer: Layer): Promise<Row[]> {
  const images = createImages(
    { stateDir: site.stateDir, mode: 'mount', budgetBytes: 1e12, graceMs: 0, ownership },
    { transport: offline },
  );
  await images.ensureHost();
  const kind = `${images.ownership()}, ${String(Math.round(layer.sizeBytes / 1e5) / 10)} MB image`;
  const base = (round: number): number => (ownership === 'copy' ? 0x2000_0000 : 0x3000_0000) + round * 65_536;
  const first = await measure(`mount for a new app (${kind})`, 10, async (round) => {
    await images.mount(layer, base(round));
  });
  const again = await measure(`mount found mounted (${kind})`, 30, async () => {
    await images.mount(layer, base(0));
  });
  await images.collectGarbage(new Set(), new Set());
  const cached = await measure(`mount again after unmount (${kind})`, 10, async (round) => {
    await images.mount(layer, base(round));
  });
  await images.collectGarbage(new Set(), new Set());
  return [first, again, cached];
}

async function unmountBelow(dir: string): Promise<void> {
  const points = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')[4] ?? '');
  for (const point of points.filter((each) => each === dir || each.startsWith(`${dir}/`)).toReversed()) {
    await run({ file: 'umount', args: ['--', point] });
  }
}

function printTable(rows: readonly Row[]): void {
  const width = Math.max(...rows.map((row) => row.what.length));
  console.log(`\n${'what'.padEnd(width)}  median ms (min..max) n`);
  for (const row of rows) {
    console.log(`${row.what.padEnd(width)}  ${row.medianMs} (${row.minMs}..${row.maxMs}) ${row.n}`);
  }
}

async function benchAll(dir: string): Promise<void> {
  const stateDir = join(dir, 'state');
  const images = createImages({ stateDir, mode: 'mount', budgetBytes: 1e12 }, { transport: offline });
  await images.ensureHost();
  const site: Site = { dir, stateDir, images, builder: createLayerBuilder({ stateDir }, { images }) };
  const { rows, dependencies } = await benchCut(site);
  const [app] = await site.builder.cut(requestOf(site, 'small'));
  if (app === undefined) throw new Error('no layer came out');
  for (const ownership of ['auto', 'copy'] as const) {
    for (const layer of [app, dependencies]) rows.push(...(await benchMount(site, ownership, layer)));
  }
  const machine = {
    kernel: release(),
    processors: cpus().length,
    model: cpus()[0]?.model ?? '',
    node: process.version,
  };
  console.log(
    JSON.stringify({
      bench: 'layers',
      machine,
      bytes: { dependencies: dependencies.sizeBytes, app: app.sizeBytes },
      rows,
    }),
  );
  printTable(rows);
}

const dir = await realpath(await mkdtemp(join(tmpdir(), 'slipway-bench-')));
try {
  await benchAll(dir);
} finally {
  await unmountBelow(dir);
  await rm(dir, { recursive: true, force: true });
}
