import { z } from 'zod';

const schema = z.object({
  error: z.string().regex(/^SLIP_[A-Z0-9_]+$/),
  message: z.string(),
  hint: z.string().optional(),
});

export interface ControllerWords {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/** The error of the controller's API in its own words; undefined for anything else. */
export function parseErrorBody(text: string): ControllerWords | undefined {
  try {
    const { error: code, message, hint } = schema.parse(JSON.parse(text));
    return { code, message, hint };
  } catch {
    return undefined;
  }
}
