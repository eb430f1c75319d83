import { SlipwayError } from '../../shared/kit/errors.ts';

/** A shell file with exports that keeps every byte of the values. Pure. @throws SLIP_SANDBOX_ENV */
export function exportsFile(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => {
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw invalidVariable(name, 'has a name that no shell can export');
      if (value.includes('\0')) throw invalidVariable(name, 'has a NUL byte in its value');
      return `export ${name}=${shellQuote(value)}\n`;
    })
    .join('');
}

/** Single quotes keep every byte except a single quote. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function invalidVariable(name: string, what: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_SANDBOX_ENV',
    message: `The config variable ${JSON.stringify(name.slice(0, 60))} ${what}.`,
    hint: `Remove it with: slipway config:unset ${/^[\w.-]{1,60}$/.test(name) ? name : 'NAME'}`,
  });
}
