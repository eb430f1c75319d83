import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

/** A reporter of node's test runner: one line for each test file, milliseconds and path. `script/test` sorts them. */
async function* fileTimes(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    // A summary without a file is the summary of the whole run.
    if (type === 'test:summary' && data.file !== undefined) {
      yield `${String(Math.round(data.duration_ms))} ${relative(process.cwd(), data.file)}\n`;
    }
  }
}

// Node takes a reporter from the default export.
export { fileTimes as default };
