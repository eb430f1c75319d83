import type { SandboxPolicy } from './policy.ts';

export interface ToolContext {
  /** Folder of the instance for the tool's own files. */
  readonly runDir: string;
  /** Folder that is bound into the sandbox at INSIDE_DIR/env. */
  readonly secretsDir: string;
  readonly scriptsDir: string;
  /** Group of the sandbox relative to the hierarchies' roots. */
  readonly cgroup: string;
  readonly cgroupVersion: 1 | 2;
  readonly oomFile: string;
}

/** How a tool runs one sandbox: the files to write first (path → text), then the program. */
export interface ToolPlan {
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly argv: readonly string[];
}

/** A program that isolates a process by a policy. Pure: it only renders files and arguments. */
export interface SandboxTool {
  readonly kind: 'lxc' | 'nspawn';
  /** Its path. */
  readonly program: string;
  /** True: the tool makes and enters the cgroup `app`. False: the process must enter its cgroup before the tool starts. */
  readonly managesCgroup: boolean;
  /** True: the tool can limit pseudo-terminals. False: the agent mounts them with a limit. */
  readonly limitsTerminals: boolean;
  /** Paths outside of the folder of the sandbox that must be removed with it. */
  leftovers(id: string, dir: string): readonly string[];
  render(policy: SandboxPolicy, context: ToolContext): ToolPlan;
}
