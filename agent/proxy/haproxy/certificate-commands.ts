import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { Failpoint } from '../../../shared/kit/failpoint.ts';
import type { Converse } from './cli-socket.ts';
import {
  parseListed,
  parseLoaded,
  parseSha1,
  type CertificateStep,
  type ListedCertificate,
  type WantedCertificate,
} from './plan-certificates.ts';

// Commands of the runtime API for certificates. HAProxy 2.6 has one transaction for the whole process, which outlives its connection. `set`
// for one file while another file has the transaction changes the other one, so `commit` would serve a wrong certificate. Therefore each
// change is one conversation, and each reply must name the file.

/** A certificate for a file that HAProxy has loaded. */
export interface NewContent {
  readonly file: string;
  /** Without empty lines: they would end the payload, and the rest would be commands. */
  readonly pem: string;
  readonly sha1: string;
}

/** Serves another certificate from a loaded file. @throws SLIP_PROXY_CERTIFICATE; then the former one is served */
export async function replaceContent(
  say: Converse,
  { file, pem, sha1 }: NewContent,
  failpoint?: Failpoint,
): Promise<void> {
  if (/\n\s*\n/.test(pem.trim())) throw refused(file, 'its text has an empty line');
  const command = `set ssl cert ${file} <<\n${pem.trim()}\n`;
  const begun = `Transaction created for certificate ${file}!`;
  let reply = withoutPrompts(await say(command));
  if (reply !== begun) {
    await abortTransaction(say);
    reply = withoutPrompts(await say(command));
  }
  if (reply !== begun) {
    await abortTransaction(say);
    throw refused(file, reply);
  }
  await failpoint?.('proxy.certificate_staged');
  const committed = await say(`commit ssl cert ${file}`);
  if (!committed.includes(`Committing ${file}`) || !committed.includes('Success!')) {
    await abortTransaction(say);
    throw refused(file, committed);
  }
  if (parseSha1(await say(`show ssl cert ${file}`)) !== sha1)
    throw refused(file, 'it still serves another certificate');
}

async function abortTransaction(say: Converse): Promise<void> {
  const { open } = parseLoaded(await say('show ssl cert'));
  if (open !== undefined) await say(`abort ssl cert ${open}`);
}

/** @throws SLIP_PROXY_CERTIFICATE */
export async function runStep(
  say: Converse,
  step: CertificateStep,
  { list, pem, failpoint }: { readonly list: string; readonly pem: string; readonly failpoint: Failpoint },
): Promise<void> {
  if (step.kind === 'unlist')
    await expect(say, `del ssl crt-list ${list} ${lineOf(step.entry)}`, / deleted in crtlist /);
  else if (step.kind === 'remove') await expect(say, `del ssl cert ${step.file}`, / deleted!/);
  else if (step.kind === 'list') await addLine(say, list, step.wanted);
  else {
    const { file, sha1 } = step.wanted;
    if (step.kind === 'add') await expect(say, `new ssl cert ${file}`, /New empty certificate store/);
    await replaceContent(say, { file, sha1, pem }, failpoint);
  }
}

async function addLine(say: Converse, list: string, { file, names }: WantedCertificate): Promise<void> {
  await expect(say, `add ssl crt-list ${list} <<\n${file} ${names.join(' ')}\n`, /Success!/);
}

function lineOf({ file, line }: ListedCertificate): string {
  return `${file}:${String(line)}`;
}

async function expect(say: Converse, command: string, done: RegExp): Promise<void> {
  const reply = withoutPrompts(await say(command));
  if (!done.test(reply)) throw refused(command.split(' ').at(-1) ?? '', reply);
}

/** The lines of the list without the fallback, and the loaded files of this folder. */
export async function lookAtList(
  say: Converse,
  { list, folder, fallback }: { readonly list: string; readonly folder: string; readonly fallback: string },
): Promise<{ readonly files: readonly string[]; readonly listed: readonly ListedCertificate[] }> {
  const isOurs = (file: string): boolean => file.startsWith(`${folder}/`) && file !== fallback;
  const { files, open } = parseLoaded(await say('show ssl cert'));
  if (open !== undefined) await say(`abort ssl cert ${open}`);
  const listed = parseListed(await say(`show ssl crt-list -n ${list}`));
  return { files: files.filter(isOurs), listed: listed.filter(({ file }) => isOurs(file)) };
}

export async function sha1sOf(say: Converse, files: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const file of files) found.set(file, parseSha1(await say(`show ssl cert ${file}`)));
  return found;
}

/** A payload gets a `+ ` prompt for each of its lines. */
function withoutPrompts(reply: string): string {
  return reply.replace(/^(?:\+ )+\n?/, '').trim();
}

function refused(file: string, reply: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_PROXY_CERTIFICATE',
    kind: 'transient',
    message: 'HAProxy did not take a certificate. It serves the former one, if there is one.',
    hint: 'The agent tries again. If the error remains, see the log of the agent: journalctl -u slipway-agent',
    details: { file, reply: reply.slice(0, 300) },
  });
}
