/** One block of a PEM text. */
interface PemBlock {
  readonly label: string;
  readonly der: Buffer;
  /** Its content is encrypted with a passphrase. */
  readonly encrypted: boolean;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----\r?\n([\s\S]*?)-----END \1-----/g;
/** RFC 1421 headers, which OpenSSL writes before the data of an encrypted key. */
const HEADER = /^[A-Za-z0-9-]+:.*$/gm;
const NOT_BASE64 = /[^A-Za-z0-9+/=\s]/;
const LINE_LENGTH = 64;

/** Whether the text has the mark of a block, also of a damaged one. */
export function hasPemMark(text: string): boolean {
  return text.includes('-----BEGIN ');
}

/** The blocks with valid base64. All text outside of them is ignored. */
export function readPemBlocks(text: string): readonly PemBlock[] {
  return [...text.matchAll(BLOCK)].flatMap(([, label = '', body = '']) => {
    const base64 = body.replaceAll(HEADER, '');
    const encrypted = label.startsWith('ENCRYPTED ') || body.includes('ENCRYPTED');
    return NOT_BASE64.test(base64) ? [] : [{ label, der: Buffer.from(base64, 'base64'), encrypted }];
  });
}

/** Has no empty line, so it can be the payload of a command for HAProxy. */
export function encodePem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der).toString('base64');
  const lines = base64.match(new RegExp(`.{1,${String(LINE_LENGTH)}}`, 'g')) ?? [];
  return `-----BEGIN ${label}-----\n${lines.map((line) => `${line}\n`).join('')}-----END ${label}-----\n`;
}
