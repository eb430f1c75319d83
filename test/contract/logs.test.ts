import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createLogs, type LogSource } from '../../agent/logs/logs.ts';
import type { LogQuery, Logs } from '../../agent/logs/port.ts';
import { parseRouterLine } from '../../agent/proxy/router-line.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { LogLine } from '../../shared/domain/log-line.ts';

import { systemClock } from '../../shared/kit/clock.ts';
import { start } from '../../shared/kit/exec.ts';
import { eventually } from '../support/eventually.ts';

const SHOP = 'app0000000shop' as AppId;
/** A later app with the same name. */
const NEW_SHOP = 'app000000shop2' as AppId;

interface LogsLab extends AsyncDisposable {
  readonly logs: Logs;
  /** Makes an instance's folder and announces it. */
  instance(process: string, id: string): Promise<string>;
  readonly routerDir: string;
}

async function openLab(platformFileBytes = 4096): Promise<LogsLab> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-logs-'));
  const sources: LogSource[] = [];
  const listeners = new Set<() => void>();
  const routerDir = join(root, 'router');
  await mkdir(routerDir);
  const logs = createLogs(
    { dir: join(root, 'platform'), platformFileBytes },
    {
      clock: systemClock,
      sources: (appId) => (appId === SHOP ? sources : []),
      onSourcesChanged: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      instanceLogDir: (id) => sources.find(({ dir }) => dir.endsWith(id))?.dir,
      routerLogDir: routerDir,
      routerLine: parseRouterLine,
    },
  );
  const instance = async (process: string, id: string): Promise<string> => {
    const dir = join(root, id);
    await mkdir(dir);
    await writeFile(join(dir, 'state'), '');
    sources.push({ process, dir });
    for (const listener of listeners) listener();
    return dir;
  };
  const close = async (): Promise<void> => {
    assert.equal(listeners.size, 0, 'a query left its listener behind');
    await rm(root, { recursive: true });
  };
  return { logs, instance, routerDir, [Symbol.asyncDispose]: close };
}

/** As s6-log writes it. */
function stamp(atMs: number): string {
  const seconds = (1n << 62n) + BigInt(Math.floor(atMs / 1000)) + 37n;
  return `@${seconds.toString(16)}${((atMs % 1000) * 1e6).toString(16).padStart(8, '0')}`;
}

function stamped(fromMs: number, messages: readonly string[]): string {
  return messages.map((message, index) => `${stamp(fromMs + index)} ${message}\n`).join('');
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `line ${String(from + index)}`);

async function read(logs: Logs, query: Partial<LogQuery>): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of logs.query(
    { appId: SHOP, lines: 100, follow: false, ...query },
    new AbortController().signal,
  ))
    lines.push(line);
  return lines;
}

const messages = (lines: readonly LogLine[]): string[] => lines.map(({ message }) => message);

/** Follows in the background; `lines` grows. */
function follow(logs: Logs, query: Partial<LogQuery> = {}): { lines: LogLine[]; stop: () => Promise<void> } {
  const lines: LogLine[] = [];
  const ending = new AbortController();
  const done = (async () => {
    for await (const line of logs.query({ appId: SHOP, lines: 100, follow: true, ...query }, ending.signal))
      lines.push(line);
  })();
  return {
    lines,
    stop: async () => {
      ending.abort();
      await done;
    },
  };
}

describe('log reader', () => {
  test('the last lines come from as many rotated files as it takes, oldest first', async () => {
    await using lab = await openLab();
    const dir = await lab.instance('web.1', 'one');
    await writeFile(join(dir, `${stamp(1000)}.s`), stamped(1_700_000_000_000, numbers(0, 5000)));
    await writeFile(join(dir, `${stamp(2000)}.u`), stamped(1_700_000_100_000, numbers(5000, 5003)));
    await writeFile(join(dir, 'current'), stamped(1_700_000_200_000, numbers(5003, 5005)));
    const lines = await read(lab.logs, { lines: 8 });
    assert.deepEqual(messages(lines), numbers(4997, 5005));
    assert.deepEqual(lines[7], { atMs: 1_700_000_200_001, source: 'app', process: 'web.1', message: 'line 5004' });
  });

  test('sources are merged by time, and a process or a type can be picked', async () => {
    await using lab = await openLab();
    const web = await lab.instance('web.1', 'one');
    const worker = await lab.instance('worker.1', 'two');
    await writeFile(join(web, 'current'), `${stamp(1000)} a\n${stamp(3000)} c\n`);
    await writeFile(join(worker, 'current'), `${stamp(2000)} b\n${stamp(4000)} d\n`);
    await lab.logs.write(SHOP, 'web.1', 'State changed from starting to up');
    assert.deepEqual(messages(await read(lab.logs, {})), ['a', 'b', 'c', 'd', 'State changed from starting to up']);
    assert.deepEqual(messages(await read(lab.logs, { lines: 2 })), ['d', 'State changed from starting to up']);
    assert.deepEqual(messages(await read(lab.logs, { process: 'worker' })), ['b', 'd']);
    assert.deepEqual(messages(await read(lab.logs, { process: 'worker.2' })), []);
    assert.equal((await read(lab.logs, { process: 'web.1' })).at(-1)?.source, 'slipway');
    assert.deepEqual(messages(await read(lab.logs, { source: 'slipway' })), ['State changed from starting to up']);
    assert.deepEqual(messages(await read(lab.logs, { source: 'app', lines: 1 })), ['d']);
  });

  test('a query for one process does not read the logs of others', async () => {
    await using lab = await openLab();
    await writeFile(join(await lab.instance('web.1', 'one'), 'current'), `${stamp(1000)} a\n`);
    await mkdir(join(await lab.instance('release.1', 'two'), 'current'));
    await assert.rejects(read(lab.logs, {}), { code: 'EISDIR' }, 'this log cannot be read');
    assert.deepEqual(messages(await read(lab.logs, { process: 'web.1' })), ['a']);
    assert.deepEqual(messages(await read(lab.logs, { source: 'slipway' })), []);
  });

  test('router lines of the app are found among those of others', async () => {
    await using lab = await openLab();
    const access = (app: string, path: string): string =>
      `slip1 ${app} web.1/one ---- 200 975 0 0 1 18 19 http 0123-4567 1.2.3.4 GET shop.test - "${path}"`;
    const lines = [
      access(`shop/${SHOP}`, '/x'),
      access('other/app00000other', `/${SHOP} `),
      access('shop', '/of-an-older-agent'),
    ];
    await writeFile(join(lab.routerDir, 'current'), stamped(1000, ['[NOTICE] haproxy', ...lines]));
    const [line, ...rest] = await read(lab.logs, { process: 'router' });
    assert.equal(rest.length, 0);
    assert.match(
      line?.message ?? '',
      /^at=info method=GET path="\/x" host=shop\.test .* dyno=web\.1 connect=1ms service=18ms status=200 bytes=975/,
    );
  });

  test('a later app of the same name reads nothing of the former', async () => {
    await using lab = await openLab();
    await writeFile(join(await lab.instance('web.1', 'one'), 'current'), stamped(1000, ['secret']));
    await lab.logs.write(SHOP, 'web.1', 'State changed from starting to up');
    const access = `slip1 shop/${SHOP} web.1/one ---- 200 975 0 0 1 18 19 http 0123-4567 1.2.3.4 GET shop.test - "/token"`;
    await writeFile(join(lab.routerDir, 'current'), stamped(1000, [access]));
    assert.equal((await read(lab.logs, {})).length, 3);
    await lab.logs.write(NEW_SHOP, 'web.1', 'mine');
    assert.deepEqual(messages(await read(lab.logs, { appId: NEW_SHOP })), ['mine']);
  });

  test('a line over 10000 bytes is split between characters', async () => {
    await using lab = await openLab();
    const dir = await lab.instance('web.1', 'one');
    await writeFile(join(dir, 'current'), `${stamp(1000)} x${'é'.repeat(12_000)}\n${stamp(2000)} end\n`);
    const lines = messages(await read(lab.logs, {}));
    assert.deepEqual(
      lines.map((line) => Buffer.byteLength(line)),
      [9999, 10_000, 4002, 3],
    );
    assert.equal(lines.slice(0, 3).join(''), `x${'é'.repeat(12_000)}`);
    assert.deepEqual(messages(await read(lab.logs, { lines: 2 })), [lines[2], 'end']);
  });

  test('the last words of an instance are its messages alone, and none where there is no log', async () => {
    await using lab = await openLab();
    const dir = await lab.instance('web.1', 'one');
    await writeFile(join(dir, 'current'), stamped(1000, ['a', 'b', 'c']));
    assert.deepEqual(await lab.logs.lastLines('one', 2), ['b', 'c']);
    assert.deepEqual(await lab.logs.lastLines('nobody', 2), []);
  });

  test('platform lines are one line each, and only so many are kept', async () => {
    await using lab = await openLab(1000);
    for (let turn = 0; turn < 100; turn += 1) await lab.logs.write(SHOP, 'api', `Release v${String(turn)}\ncreated`);
    const lines = messages(await read(lab.logs, {}));
    assert.equal(lines.at(-1), 'Release v99 created');
    assert.ok(lines.length >= 30 && lines.length <= 70, `kept ${String(lines.length)}`);
  });
});

describe('log follower', () => {
  test('continues after the tail without a gap or a double, across rotations', async () => {
    await using lab = await openLab();
    const dir = await lab.instance('web.1', 'one');
    await writeFile(join(dir, 'current'), `${stamped(1000, numbers(0, 10))}${stamp(2000)} li`);
    const following = follow(lab.logs, { lines: 3 });
    await eventually('the tail', () => following.lines.length === 3);
    await appendFile(join(dir, 'current'), `ne 10\n${stamped(3000, numbers(11, 20))}`);
    for (let turn = 0; turn < 5; turn += 1) {
      await rename(join(dir, 'current'), join(dir, `${stamp(5000 + turn)}.s`));
      await writeFile(join(dir, 'current'), stamped(6000 + turn * 100, numbers(20 + turn * 10, 30 + turn * 10)));
    }
    await eventually('all lines', () => following.lines.length >= 63);
    await following.stop();
    assert.deepEqual(messages(following.lines), numbers(7, 70));
  });

  test('an instance that starts later is read from its first line', async () => {
    await using lab = await openLab();
    const following = follow(lab.logs);
    await lab.logs.write(SHOP, 'api', 'Deploy abc1234');
    await eventually('the platform line', () => following.lines.length === 1);
    const dir = await lab.instance('web.1', 'two');
    await writeFile(join(dir, 'current'), stamped(1000, ['hello']));
    await eventually('the first line', () => following.lines.length === 2);
    await rm(dir, { recursive: true });
    await lab.logs.write(SHOP, 'web.1', 'gone');
    await eventually('the next platform line', () => following.lines.length === 3);
    await following.stop();
    assert.deepEqual(messages(following.lines), ['Deploy abc1234', 'hello', 'gone']);
  });

  test('a slow reader of a fast s6-log uses little memory and sees how many lines it missed', async () => {
    await using lab = await openLab();
    const dir = await lab.instance('web.1', 'one');
    const logger = start({ file: 's6-log', args: ['n2', 's500000', 't', dir] }, ['pipe', 'ignore', 'inherit']);
    const ending = new AbortController();
    logger.stdin?.write('first\n');
    await eventually('the first line', async () => (await lab.logs.lastLines('one', 1)).length === 1);
    const lines = lab.logs.query({ appId: SHOP, lines: 10, follow: true }, ending.signal)[Symbol.asyncIterator]();
    const first: IteratorResult<LogLine, unknown> = await lines.next();
    assert.ok(first.done !== true && first.value.message === 'first');
    const before = process.memoryUsage().rss;
    const line = `${'x'.repeat(999)}\n`.repeat(1000);
    for (let turn = 0; turn < 10; turn += 1) {
      if (logger.stdin?.write(line) === false) await once(logger.stdin, 'drain');
    }
    logger.stdin?.end('last\n');
    await once(logger, 'close');
    const seen: string[] = [];
    for (let next = await lines.next(); next.done !== true; next = await lines.next()) {
      seen.push(next.value.message.slice(0, 20));
      if (next.value.message === 'last') break;
    }
    ending.abort();
    await lines.return?.();
    assert.ok(seen.some((message) => message.startsWith('Error L11')));
    assert.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024);
  });
});
