import { z } from 'zod';

const schema = z.object({
  error: z.string().regex(/^SLIP_[A-Z0-9_]+$/),
  message: z.string(),
  hint: z.string().optional(),
});

export interface ControllerError {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/** The error in an answer of the controller's API; undefined for any other text. */
export function parseErrorBody(text: string): ControllerError | undefined {
  try {
    const { error: code, message, hint } = schema.parse(JSON.parse(text));
    return { code, message, hint };
  } catch {
    return undefined;
  }
}
