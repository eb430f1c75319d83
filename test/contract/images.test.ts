import { describeImages } from './images.ts';

describeImages('unpacked', { mode: 'extract' });
if (process.getuid?.() === 0) {
  describeImages('mounted, owner by copy', { mode: 'mount', ownership: 'copy' });
  describeImages('mounted, owner by the kernel where it can', { mode: 'mount', ownership: 'auto' });
}
