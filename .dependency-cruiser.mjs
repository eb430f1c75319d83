// Who may import whom. Each comment says what to do instead.

const DRIVERS = '(lxc|nspawn|process|fake)';
const EFFECTS = '^(node:)?(fs|net|tls|http|https|http2|dgram|child_process|worker_threads|timers|os|dns)(/|$)';

/** The planners: controller/schedule, and every file whose name says that it plans. The group is the folder. */
const PLANNERS =
  '^(controller/schedule(?=/)|(?:controller|agent)/[a-z/-]+(?=/(?:plan|plan-[a-z-]+|[a-z-]+-plan|loss)\\.ts$))';

/** Fences an npm package (or several) into folders; tests and benches may use it too. */
function fence(name, { packages, folders, instead }) {
  return {
    name,
    severity: 'error',
    comment: `${packages.join(', ')} only in ${folders.join(', ')}: ${instead}`,
    from: { pathNot: [...folders.map((folder) => `^${folder}/`), '^test/', '^bench/'] },
    to: { path: packages.map((name) => `node_modules/(@types/)?${name}(/|$)`) },
  };
}

export default {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'Two files that need each other are one file, or share a third that holds the type both speak of.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      comment: 'Nobody imports it and it imports nothing: delete it, or wire it in.',
      from: {
        orphan: true,
        pathNot: [
          '(^|/)\\.',
          '\\.d\\.ts$',
          '(^|/)[^/]+\\.config\\.js$',
          '^script/',
          '^buildpacks/',
          '^examples/',
          '^test/fixtures/',
        ],
      },
      to: {},
    },
    {
      name: 'not-to-unresolvable',
      severity: 'error',
      comment: 'The import leads nowhere; specifiers end in .ts.',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'not-to-dev-dependency',
      severity: 'error',
      comment: 'What ships needs a dependency, not a devDependency.',
      from: { path: '^(controller|agent|cli|shared|buildpacks)/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['type-only'],
        pathNot: 'node_modules/@types/',
      },
    },
    {
      name: 'programs-apart',
      severity: 'error',
      comment: 'controller, agent and cli never import each other: what they share is in shared/.',
      from: { path: '^(controller|agent|cli)/' },
      to: { path: '^(controller|agent|cli)/', pathNot: '^$1/' },
    },
    {
      name: 'shared-is-below',
      severity: 'error',
      comment: 'shared/ knows no program: pass in what it needs.',
      from: { path: '^shared/' },
      to: { path: '^(controller|agent|cli|bench|script|buildpacks)/' },
    },
    {
      name: 'kit-is-a-leaf',
      severity: 'error',
      comment: 'shared/kit imports nothing of ours: move the domain knowledge to its caller.',
      from: { path: '^shared/kit/' },
      to: { path: '^[a-z]+/', pathNot: ['^shared/kit/', '^node_modules/'], dependencyTypesNot: ['core'] },
    },
    {
      name: 'domain-is-a-leaf',
      severity: 'error',
      comment:
        'shared/domain imports only itself, shared/kit, zod, and croner (pure: it reads schedules). It is types, schemas, states and names.',
      from: { path: '^shared/domain/' },
      to: { pathNot: ['^shared/(domain|kit)/', '^node_modules/(croner|zod)/'], dependencyTypesNot: ['core'] },
    },
    {
      name: 'domain-has-no-effects',
      severity: 'error',
      comment: 'shared/domain reads nothing and writes nothing.',
      from: { path: '^shared/domain/' },
      to: { path: EFFECTS },
    },
    {
      name: 'controller-domain-is-a-leaf',
      severity: 'error',
      comment:
        'controller/domain imports only itself, shared/domain and shared/kit: it holds the types of the controller.',
      from: { path: '^controller/domain/' },
      to: { pathNot: ['^controller/domain/', '^shared/(domain|kit)/'] },
    },
    {
      name: 'api-schemas-are-pure',
      severity: 'error',
      comment: 'shared/api describes the API: schemas of zod over shared/domain and shared/kit, without effects.',
      from: { path: '^shared/api/' },
      to: { pathNot: ['^shared/(api|domain|kit)/', '^node_modules/zod/'] },
    },
    {
      name: 'assignments-are-below',
      severity: 'error',
      comment:
        'release, formation and movement change instances through controller/assignments, which knows none of them.',
      from: { path: '^controller/(assignments|release|formation|movement)/' },
      to: { path: '^controller/(release|formation|movement)/', pathNot: '^controller/$1/' },
    },
    {
      name: 'planner-imports',
      severity: 'error',
      comment: 'A planner imports the domain and its own folder: values in, values out.',
      from: { path: PLANNERS },
      to: {
        pathNot: [
          '^$1/',
          '^shared/domain/',
          '^shared/kit/(backoff|errors|own-property)\\.ts$',
          '^controller/(domain|schedule)/',
          '^controller/assignments/instance-failure\\.ts$',
          '^agent/(proxy/port|sandbox/config|health/check-state)\\.ts$',
        ],
      },
    },
    {
      name: 'planner-is-pure',
      severity: 'error',
      comment: 'A planner must not even reach an effect: keep the types it needs in a pure file.',
      from: { path: PLANNERS },
      to: { path: EFFECTS, reachable: true },
    },
    {
      name: 'acceptance-is-pure',
      severity: 'error',
      comment:
        'The decision about a document of the controller reaches no effect. Files and codecs are in agent/accepted/documents.ts.',
      from: { path: '^agent/accepted/(desired-state|fleet-routes|refuse-outdated|withheld)\\.ts$' },
      to: { path: EFFECTS, reachable: true },
    },
    {
      name: 'nothing-imports-test',
      severity: 'error',
      comment: 'A fake that ships lives beside its port; the rest stays in test/.',
      from: { pathNot: '^(test|bench)/' },
      to: { path: '^test/' },
    },
    {
      name: 'nothing-imports-tools',
      severity: 'error',
      comment: 'bench/ and script/ are run, not imported (their tests excepted).',
      from: { path: '^(controller|agent|cli|shared|buildpacks)/' },
      to: { path: '^(bench|script|examples)/' },
    },
    {
      name: 'buildpacks-stand-alone',
      severity: 'error',
      comment: 'A buildpack runs inside a sandbox where nothing of ours is.',
      from: { path: '^buildpacks/' },
      to: { path: '^(controller|agent|cli|shared|node_modules)/' },
    },
    {
      name: 'generated-code-behind-the-codec',
      severity: 'error',
      comment: 'Only shared/rpc touches generated code: convert to the domain there.',
      from: { pathNot: '^shared/rpc/' },
      to: { path: '^shared/rpc/gen/' },
    },
    {
      name: 'mains-are-entries',
      severity: 'error',
      comment: 'A composition root is started, never imported.',
      from: { path: '^(controller|agent|cli|shared)/' },
      to: { path: '^(controller|agent|cli)/main\\.ts$' },
    },
    {
      name: 'nouns-apart',
      severity: 'error',
      comment: 'A folder of the CLI is one noun. Move what two nouns need to cli/ or cli/terminal/.',
      from: { path: '^cli/([^/]+)/' },
      to: { path: '^cli/[^/]+/', pathNot: ['^cli/$1/', '^cli/terminal/'] },
    },
    {
      name: 'drivers-behind-the-port',
      severity: 'error',
      comment:
        'A sandbox driver is named by its own folder and by agent/sandbox/create.ts; everybody else takes a Sandbox.',
      from: { pathNot: [`^agent/sandbox/${DRIVERS}/`, '^agent/sandbox/create\\.ts$', '^(test|bench)/'] },
      to: { path: `^agent/sandbox/${DRIVERS}/` },
    },
    {
      name: 'drivers-apart',
      severity: 'error',
      comment: 'What two drivers share is a file of agent/sandbox itself.',
      from: { path: `^agent/sandbox/${DRIVERS}/` },
      to: { path: `^agent/sandbox/${DRIVERS}/`, pathNot: '^agent/sandbox/$1/' },
    },
    fence('database-behind-the-store', {
      packages: ['better-sqlite3', 'kysely'],
      folders: ['controller/store'],
      instead: 'ask the store port.',
    }),
    fence('machine-facts-in-a-child', {
      packages: ['systeminformation'],
      folders: ['agent/host'],
      instead: 'read the facts that the agent reports.',
    }),
    fence('ssh-behind-push', {
      packages: ['ssh2'],
      folders: ['controller/push', 'controller/access'],
      instead: 'push speaks SSH, access parses keys.',
    }),
    fence('grpc-behind-the-session', {
      packages: ['@grpc/[^/]+'],
      folders: ['shared/rpc', 'controller/dispatch', 'agent/session'],
      instead: 'take the Dispatch or Session port.',
    }),
    {
      name: 'processes-behind-exec',
      severity: 'error',
      comment: 'shared/kit/exec.ts alone starts programs.',
      from: { pathNot: ['^shared/kit/exec\\.ts$', '^buildpacks/', '^examples/'] },
      to: { path: '^(node:)?child_process$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(\\.tools|\\.slipway)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    detectProcessBuiltinModuleCalls: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
    cache: false,
  },
};
