import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Agent, request } from 'undici';
import { fetchRuntime, RUNTIME_PACKAGES } from '../../script/bundle/runtime.ts';
import { writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import { run, runOk } from '../../shared/kit/exec.ts';
import { PROGRAMS_DIR } from './fleet.ts';

interface About {
  readonly version: string;
  readonly build: string;
  readonly file: string;
}

/** The differences of an offered agent from the real one. */
export interface Offer {
  readonly version: string;
  /** Twelve hex digits. */
  readonly build: string;
  /** The program in the place of the agent's. */
  readonly main?: string;
}

/** The program folder of a controller. A test sets the agent that nodes install: the real one with another version, or a broken one. */
export class OfferedPrograms {
  readonly dir: string;
  #real: About | undefined;

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async make(): Promise<OfferedPrograms> {
    await mkdir(PROGRAMS_DIR, { recursive: true });
    const dir = await mkdtemp(join(tmpdir(), 'slipway-programs-'));
    const ours = RUNTIME_PACKAGES.filter((name) => !name.startsWith('node-') || name.endsWith(process.arch));
    for (const path of await Promise.all(ours.map((name) => fetchRuntime(name, PROGRAMS_DIR))))
      await symlink(path, join(dir, basename(path)));
    return new OfferedPrograms(dir);
  }

  /** Lets the controller make its own programs, once. */
  async prime({ url, caPem }: { readonly url: string; readonly caPem: string }): Promise<void> {
    const dispatcher = new Agent({ connect: { ca: caPem } });
    try {
      const { statusCode, body } = await request(`${url}/install.sh`, { dispatcher });
      await body.dump();
      assert.equal(statusCode, 200);
    } finally {
      await dispatcher.close();
    }
  }

  /** Sets the offered agent. @returns the version that nodes install */
  async offer({ version, build, main }: Offer): Promise<string> {
    this.#real ??= JSON.parse(await readFile(join(this.dir, 'agent.json'), 'utf8')) as About;
    const work = await mkdtemp(join(this.dir, '.offer-'));
    await runOk(run, { file: 'tar', args: ['-xzf', join(this.dir, this.#real.file), '-C', work] });
    const program = JSON.parse(await readFile(join(work, 'program.json'), 'utf8')) as object;
    await writeFile(join(work, 'program.json'), JSON.stringify({ ...program, version, build }));
    if (main !== undefined) await writeFile(join(work, 'agent', 'main.mjs'), main);
    const file = `slipway-agent-${version}-${build}.tar.gz`;
    await runOk(run, { file: 'tar', args: ['-czf', join(this.dir, file), '-C', work, '.'] });
    const sha512 = createHash('sha512')
      .update(await readFile(join(this.dir, file)))
      .digest('hex');
    await writeFileAtomic(join(this.dir, 'agent.json'), JSON.stringify({ version, build, file, sha512 }));
    await rm(work, { recursive: true });
    return `${version}+${build}`;
  }

  async dispose(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }
}
