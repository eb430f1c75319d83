/** A value as a shell reads it, or what is wrong with it. */
type Word =
  | { readonly value: string; readonly end: number }
  | { readonly trouble: string; readonly hint: string; readonly at: number };

/** A carriage return ends a word only at the end of a line. */
const END = /[ \t\n]|\r(?:\n|$)/y;
/** Characters with a meaning to a shell outside of quotes. It expands ~ only at the start of a path. */
const SPECIAL = /[$`|&;<>()]|(?<=[=:])~/y;
/** In double quotes a backslash quotes only these. A backslash and n are a newline, as in foreman and dotenv. */
const QUOTED: Readonly<Record<string, string>> = { '\\': '\\', '"': '"', $: '$', '`': '`', '\n': '', n: '\n' };
const HINT = "Put the value into single quotes: NAME='value'";

/** Reads one word: plain text, '…' and "…", also several of them side by side. */
export function readWord(text: string, start: number): Word {
  let value = '';
  let at = start;
  while (at < text.length && !endsAt(text, at)) {
    const part = readPart(text, at, text.charAt(at));
    if ('trouble' in part) return part;
    value += part.value;
    at = part.end;
  }
  return { value, end: at };
}

function endsAt(text: string, at: number): boolean {
  END.lastIndex = at;
  return END.test(text);
}

function readPart(text: string, at: number, char: string): Word {
  if (char === "'") return readSingle(text, at);
  if (char === '"') return readDouble(text, at);
  if (char === '\\') return readBackslash(text, at);
  SPECIAL.lastIndex = at;
  if (SPECIAL.test(text)) return { trouble: `a shell would not take ${char} as it is.`, hint: HINT, at };
  return { value: char, end: at + 1 };
}

function readSingle(text: string, at: number): Word {
  const end = text.indexOf("'", at + 1);
  if (end < 0) return { trouble: "the closing ' is missing.", hint: HINT, at };
  return { value: text.slice(at + 1, end), end: end + 1 };
}

function readBackslash(text: string, at: number): Word {
  const next = text[at + 1];
  if (next === undefined || next === '\n' || next === '\r')
    return { trouble: 'a backslash at the end of a line joins two lines.', hint: HINT, at };
  return { value: next, end: at + 2 };
}

function readDouble(text: string, start: number): Word {
  let value = '';
  for (let at = start + 1; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '"') return { value, end: at + 1 };
    if (char === '$' || char === '`')
      return {
        trouble: `a shell would not take ${char} in double quotes as it is.`,
        hint: `${HINT} or write \\${char}`,
        at,
      };
    if (char !== '\\') {
      value += char;
      continue;
    }
    at += 1;
    const next = text.charAt(at);
    value += QUOTED[next] ?? `\\${next}`;
  }
  return { trouble: 'the closing " is missing.', hint: HINT, at: start };
}
