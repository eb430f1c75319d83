import type { WhyBody, WhyChain } from '../../shared/api/observe.ts';
import { oneLine } from '../terminal/escape.ts';
import type { Paint } from '../terminal/paint.ts';

/** The cause first, then each effect, then the next command. */
export function renderWhy({ about, well, chains }: WhyBody, paint: Paint): string {
  const mark = well ? paint.green('is well.') : paint.red('has a problem.');
  return `${paint.bold(about)} ${mark}\n${chains.map((chain) => `\n${renderChain(chain, paint)}`).join('')}`;
}

function renderChain({ links, next }: WhyChain, paint: Paint): string {
  const lines = links.map((link, index) =>
    index === 0 ? `  ${oneLine(link)}\n` : `  ${paint.dim('→')} ${oneLine(link)}\n`,
  );
  return `${lines.join('')}  ${paint.bold('Next:')} ${paint.cyan(oneLine(next))}\n`;
}
