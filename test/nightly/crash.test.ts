// Five times kill -9 at each named point. The whole run does it once.
process.env['SLIPWAY_CRASH_ROUNDS'] = '5';

await import('../e2e/pipeline/crash.test.ts');
await import('../e2e/pipeline/crash-life.test.ts');
await import('../e2e/pipeline/release-phase.test.ts');
await import('../e2e/pipeline/deploy-scripts.test.ts');
await import('../e2e/pipeline/destroy.lxc.test.ts');
await import('../contract/config-at-rest.test.ts');
