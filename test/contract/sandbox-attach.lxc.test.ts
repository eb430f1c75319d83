import { sandboxAttachContract } from './sandbox-attach.ts';

sandboxAttachContract('lxc');
