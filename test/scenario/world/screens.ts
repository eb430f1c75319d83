import { plainPaint } from '../../../cli/terminal/paint.ts';
import { renderStatus } from '../../../cli/status/render.ts';
import { renderWhy } from '../../../cli/why/render.ts';
import type { LookDeps } from '../../../controller/api/deps.ts';
import { readStatus } from '../../../controller/api/fleet-status.ts';
import { appWhyFacts, nodeFacts } from '../../../controller/api/why-facts.ts';
import { whyApp } from '../../../controller/observe/why/why-app.ts';
import { whyInstance } from '../../../controller/observe/why/why-instance.ts';
import { whyNode } from '../../../controller/observe/why/why-node.ts';
import { notFound } from '../../../controller/api/api-errors.ts';
import type { WhyBody } from '../../../shared/api/observe.ts';
import { parseAppName } from '../../../shared/domain/names.ts';

/** The status that an admin sees. */
export async function statusScreen(deps: LookDeps, startedAtMs: number): Promise<string> {
  const [user] = await deps.store.users();
  const config = { version: '0.1.0', webUrl: (app: string) => `http://${app}.test` };
  const status = await readStatus(config, deps, { user: user!, startedAtMs });
  return renderStatus(status, { paint: plainPaint, nowMs: deps.clock.nowMs() });
}

/** Explains `shop`, `web.1 of shop`, or a node. */
export async function whyScreen(deps: LookDeps, about: string): Promise<string> {
  return renderWhy(await whyBody(deps, about), plainPaint);
}

async function whyBody(deps: LookDeps, about: string): Promise<WhyBody> {
  const { store, clock } = deps;
  const row = (await store.nodes()).find((node) => node.name === about);
  const [rows, commands] = [
    row === undefined ? [] : await store.assignmentsOfNode(row.id),
    await store.unfinishedCommands(),
  ];
  const [fact] = row === undefined ? [] : nodeFacts(deps, [row], { rows, commands });
  if (fact !== undefined) return whyNode(fact, clock.nowMs());
  const [instance, name] = about.includes(' of ') ? about.split(' of ') : [undefined, about];
  const app = await store.appByName(parseAppName(name));
  if (app === undefined) throw notFound('app');
  const facts = await appWhyFacts(deps, app);
  return (
    (instance === undefined ? whyApp(facts) : whyInstance(facts, instance)) ?? Promise.reject(notFound('instance'))
  );
}
