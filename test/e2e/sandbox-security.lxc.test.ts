import { sandboxSecurity } from '../support/sandbox-security.ts';

sandboxSecurity('lxc');
