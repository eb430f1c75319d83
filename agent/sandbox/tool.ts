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

/** How a tool is to run one sandbox: files to write first (path → text), then a program. */
export interface ToolPlan {
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly argv: readonly string[];
}

/** A program that can put a process behind the policy's walls. Pure: it renders, others act. */
export interface SandboxTool {
  readonly kind: 'lxc' | 'nspawn';
  /** Its path. */
  readonly program: string;
  /** False: the process must be in its cgroup before the tool starts. True: the tool makes and enters `app` itself. */
  readonly managesCgroup: boolean;
  /** True: it can limit the pseudo-terminals. False: the agent mounts them with a limit. */
  readonly limitsTerminals: boolean;
  /** What the tool leaves on the machine outside of the sandbox's own folder, to be removed with it. */
  leftovers(id: string, dir: string): readonly string[];
  render(policy: SandboxPolicy, context: ToolContext): ToolPlan;
}
