import { makeLocalCertificate } from './local-ca/local-ca.ts';

// node script/local-ca.ts CA_FOLDER APPS_FOLDER BASE_DOMAIN: prints "new" when it made a certificate.
const [caDir = '', appsDir = '', baseDomain = ''] = process.argv.slice(2);
if (await makeLocalCertificate({ caDir, appsDir, baseDomain, nowMs: Date.now() })) console.log('new');
