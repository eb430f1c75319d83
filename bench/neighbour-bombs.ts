/** The attacks of the hostile app of bench/neighbour.ts. Each attack has a limit: a number of things or of seconds. */
export interface Bomb {
  readonly name: string;
  /** It exhausts a table of the whole machine, so it runs only in a virtual machine. */
  readonly machineWide?: true;
  /** A Perl program that runs in the sandbox of the app until $until. */
  readonly perl?: string;
  /** The files of a push whose build is the attack. */
  readonly push?: Readonly<Record<string, string>>;
  /** The app is scaled up and down. Each instance uses a loop device. */
  readonly scale?: true;
}

const BUILD_APP = { Procfile: 'web: sleep 60\n', '.buildpacks': './bp\n', 'bp/bin/detect': '#!/bin/sh\necho bomb\n' };
const NO_RELEASE = '#!/bin/sh\necho "--- {}"\n';
/** 200 kB of tags: slow to read for many parsers. */
const YAML_TAGS = `#!/bin/sh
perl -e 'print "--- ", "!a " x 66_000, "\\n"'
`;

export const BOMBS: readonly Bomb[] = [
  { name: 'none', perl: 'sleep 1 while time < $until;' },
  {
    name: 'cpu',
    perl: 'for (1 .. 200) { my $p = fork // last; if (!$p) { 1 while time < $until; exit } } 1 while wait > 0;',
  },
  {
    name: 'fork',
    perl: 'my $n = 0; while (time < $until && $n++ < 200_000) { my $p = fork // next; exit unless $p; waitpid($p, 0) }',
  },
  {
    name: 'memory',
    perl: 'my $n = 0; while (time < $until && $n++ < 50) { my $p = fork // last; if (!$p) { my @a; push @a, "x" x 1_000_000 while @a < 4_000; exit } waitpid($p, 0) }',
  },
  {
    name: 'disk',
    perl: 'my $x = "x" x 1_000_000; while (time < $until) { open(my $f, ">", "/tmp/big") or last; syswrite($f, $x) for 1 .. 200; close $f }',
  },
  {
    name: 'sync',
    perl: 'use IO::Handle; open(my $f, ">", "/tmp/sync"); while (time < $until) { syswrite($f, "x" x 4096); $f->sync }',
  },
  { name: 'log', perl: 'my $x = ("x" x 200 . "\\n") x 100; while (time < $until) { syswrite(STDOUT, $x) }' },
  {
    name: 'udp',
    perl: 'use Socket; socket(my $s, PF_INET, SOCK_DGRAM, 17); my $to = sockaddr_in(9, inet_aton("192.0.2.1")); send($s, "x" x 1000, 0, $to) while time < $until;',
  },
  {
    name: 'inode',
    perl: 'while (time < $until) { my $n = 0; while (open(my $f, ">", "/tmp/i$n")) { last if ++$n > 100_000 } unlink "/tmp/i$_" for 0 .. $n }',
  },
  { name: 'loop', scale: true },
  {
    name: 'sparse',
    push: { ...BUILD_APP, 'bp/bin/compile': '#!/bin/sh\ntruncate -s 5G "$1/big"\n', 'bp/bin/release': NO_RELEASE },
  },
  { name: 'yaml', push: { ...BUILD_APP, 'bp/bin/compile': '#!/bin/sh\n:\n', 'bp/bin/release': YAML_TAGS } },
  {
    name: 'arp',
    machineWide: true,
    perl: `use Socket; socket(my $s, PF_INET, SOCK_DGRAM, 17); my ($net) = qx(hostname -i) =~ /^(\\d+\\.\\d+)\\./;
      while (time < $until) { for my $n (0 .. 65_535) { send($s, "x", 0, sockaddr_in(9, pack("C2 n", split(/\\./, $net), $n))) } }`,
  },
  {
    name: 'pids',
    machineWide: true,
    perl: 'for (1 .. 40_000) { my $p = fork // last; if (!$p) { sleep 1 while time < $until; exit } } sleep 1 while time < $until;',
  },
  {
    name: 'aio',
    machineWide: true,
    perl: 'my $c = "\\0" x 8; for (1 .. 10_000) { syscall(206, 1024, $c) }; sleep 1 while time < $until;',
  },
];

/** A web app that runs an attack on request: GET /NAME/SECONDS. */
export function bombApp(): Record<string, string> {
  const programs = Object.fromEntries(BOMBS.flatMap(({ name, perl }) => (perl === undefined ? [] : [[name, perl]])));
  return {
    Procfile: 'web: node server.js\n',
    'package.json': JSON.stringify({ name: 'bomb', version: '1.0.0', private: true }),
    'server.js': `const { spawn } = require('node:child_process');
const programs = ${JSON.stringify(programs)};
require('node:http').createServer((request, response) => {
  const [, name, seconds] = request.url.split('/');
  if (programs[name] !== undefined) spawn('/usr/bin/perl', ['-e', 'my $until = time + ' + Number(seconds) + ';' + programs[name]], { stdio: 'inherit' });
  response.end('started');
}).listen(process.env.PORT);
`,
  };
}
