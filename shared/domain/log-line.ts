/** One line of an app's log stream, Heroku's shape: `2026-11-20T10:00:00.000000+00:00 app[web.1]: message`. */
export interface LogLine {
  readonly atMs: number;
  /** `app` for the app's own output, `slipway` for router and platform. */
  readonly source: 'app' | 'slipway';
  /** `web.1`, `router`, `api`, `build`. */
  readonly process: string;
  readonly message: string;
}
