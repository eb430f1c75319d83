#!/usr/bin/perl
# attach.pl [--wait <command line>] <socket> <start.sh> <file of exports> <folder> <dyno.sh>
# Runs one command inside the sandbox for a user outside. The standard streams of the command are frames on a Unix socket
# (shared/attach/frames.ts has the format). A process of the sandbox starts this program, so it has the isolation of the app.
# With --wait it is the first process of a sandbox of its own (slipway run): it waits for the socket, runs this command line, and ends with the
# exit code of the command.
use strict;
use warnings;
use Errno qw(EAGAIN EINPROGRESS EINTR);
use Fcntl qw(F_GETFL F_SETFL O_NOCTTY O_NONBLOCK O_RDWR);
use POSIX ();
use Socket qw(AF_INET AF_UNIX SHUT_WR SOCK_STREAM SOL_SOCKET SO_ERROR inet_aton pack_sockaddr_in pack_sockaddr_un);

# Frames to the command, then frames from it.
my ($START, $INPUT, $INPUT_END, $RESIZE, $SIGNAL, $CREDIT, $PING) = (1 .. 7);
my ($STARTED, $OUTPUT, $ERRORS, $OUTPUT_END, $EXIT, $FAILURE, $CREDIT_BACK, $PONG) = (16 .. 23);
my $WINDOW = 1048576;      # bytes in transit in each direction
my $FRAME_MAX = 65536;     # bytes of content of one frame
my $PIECE = 32768;         # bytes of one read
my $SILENCE_S = 30;        # a client sends a ping every 10 s
my $HANGUP_S = 10;         # from SIGHUP to SIGKILL when the client is gone
my $STOP_S = 3;            # the same when the sandbox stops
# Linux: the same numbers on x86-64 and arm64.
my ($TIOCGPTN, $TIOCSPTLCK, $TIOCSWINSZ, $TIOCSCTTY) = (0x80045430, 0x40045431, 0x5414, 0x540E);

my $WAIT_S = 60;

my $waiting = @ARGV > 1 && $ARGV[0] eq '--wait' ? (splice(@ARGV, 0, 2))[1] : undef;
my ($path, @starter) = @ARGV;
my $dyno = pop @starter;
my ($in, $out, $to_command) = ('', '', '');
my ($credit, $consumed) = ($WINDOW, 0);
my ($begun, $pid, $status, $ended_at, $kill_at, $input, $master, $connected, $socket_gone, $input_ended, $stopping, $child_ended);
my %outputs; # frame kind → handle that we read
my $heard_at = time;

$SIG{PIPE} = 'IGNORE';
$SIG{HUP} = 'IGNORE';
$SIG{TERM} = sub { $stopping = 1 };
$SIG{CHLD} = sub { $child_ended = 1 };

my $exit_code = 129; # as SIGHUP
socket(my $socket, AF_UNIX, SOCK_STREAM, 0) or exit 71;
my $until = time + $WAIT_S;
until (connect($socket, pack_sockaddr_un($path))) {
  exit 71 if !defined $waiting || $stopping;
  die "slipway: nobody connected to this command within $WAIT_S s\n" if time > $until;
  select(undef, undef, undef, 0.1);
}
nonblocking($socket);
serve();

sub serve {
  while (1) {
    reap();
    finish_when_done();
    my ($readable, $writable) = ('', '');
    vec($readable, fileno($socket), 1) = 1 unless $socket_gone;
    vec($writable, fileno($socket), 1) = 1 if length $out && !$socket_gone;
    vec($writable, fileno($input), 1) = 1 if defined $input && (length $to_command || !$connected);
    if (may_read()) { vec($readable, fileno($_), 1) = 1 for values %outputs }
    my $found = select($readable, $writable, undef, defined $ended_at ? 0.1 : 0.5);
    if ($found > 0) {
      receive() if !$socket_gone && vec($readable, fileno($socket), 1);
      feed() if defined $input && vec($writable, fileno($input), 1);
      for my $kind (sort keys %outputs) {
        collect($kind) if exists $outputs{$kind} && vec($readable, fileno($outputs{$kind}), 1);
      }
    } elsif (defined $ended_at && may_read()) {
      %outputs = (); # the command has ended, and a process that it left behind is silent
    }
    flush_out();
    hang_up($HANGUP_S) if !defined $kill_at && ($socket_gone || time - $heard_at > $SILENCE_S);
    if ($stopping && !defined $kill_at) {
      failure('SLIP_ATTACH_STOPPED', 'The instance stops, so this session ends.', 'See the processes with: slipway ps');
      hang_up($STOP_S);
    }
    kill('KILL', session()) if defined $kill_at && time >= $kill_at;
  }
}

sub may_read { return $socket_gone || ($credit > 0 && length $out < 4 * $FRAME_MAX) }

sub nonblocking {
  my ($handle) = @_;
  fcntl($handle, F_SETFL, fcntl($handle, F_GETFL, 0) | O_NONBLOCK);
}

sub frame {
  my ($kind, $content) = @_;
  $out .= pack('CN', $kind, length $content) . $content unless $socket_gone;
}

sub failure { frame($FAILURE, join("\0", @_)) }

sub flush_out {
  while (length $out && !$socket_gone) {
    my $count = syswrite($socket, $out, 262144);
    if (defined $count) { substr($out, 0, $count, '') }
    elsif ($! == EAGAIN || $! == EINTR) { return }
    else { $socket_gone = 1 }
  }
}

sub receive {
  my $count = sysread($socket, $in, 262144, length $in);
  if (!defined $count) {
    $socket_gone = 1 unless $! == EAGAIN || $! == EINTR;
    return;
  }
  if ($count == 0) { $socket_gone = 1; return }
  $heard_at = time;
  while (length $in >= 5) {
    my ($kind, $size) = unpack('CN', $in);
    if ($size > $FRAME_MAX) { $socket_gone = 1; return }
    return if length $in < 5 + $size;
    my $content = substr($in, 5, $size);
    substr($in, 0, 5 + $size, '');
    handle($kind, $content);
  }
}

sub handle {
  my ($kind, $content) = @_;
  if ($kind == $START) { begin(split(/\0/, $content, -1)) unless $begun++ }
  elsif ($kind == $INPUT) {
    $to_command .= $content;
    $socket_gone = 1 if length $to_command > $WINDOW + $FRAME_MAX; # it does not respect the window
    give_back(length $content, 1) && ($to_command = '') unless defined $input;
  }
  elsif ($kind == $INPUT_END) { $input_ended = 1; feed() if defined $input && $connected }
  elsif ($kind == $RESIZE) { resize(unpack('nn', $content)) if length $content == 4 }
  elsif ($kind == $SIGNAL) { send_signal($content) }
  elsif ($kind == $CREDIT) { $credit += unpack('N', $content) if length $content == 4 }
  elsif ($kind == $PING) { frame($PONG, '') }
}

# What the command has read; in few large frames.
sub give_back {
  my ($bytes, $now) = @_;
  $consumed += $bytes;
  return 1 if $consumed == 0 || (!$now && $consumed < $FRAME_MAX);
  frame($CREDIT_BACK, pack('N', $consumed));
  $consumed = 0;
  return 1;
}

sub feed {
  if (!$connected) {
    my $error = unpack('i', getsockopt($input, SOL_SOCKET, SO_ERROR));
    return refuse_port($error) if $error;
    $connected = 1;
    frame($STARTED, '');
  }
  if (length $to_command) {
    my $count = syswrite($input, $to_command, $FRAME_MAX);
    if (defined $count) {
      substr($to_command, 0, $count, '');
      give_back($count, length $to_command == 0);
    } elsif ($! != EAGAIN && $! != EINTR) { # nobody reads any more
      give_back(length $to_command, 1);
      $to_command = '';
      close_input();
      return;
    }
  }
  return if length $to_command || !$input_ended;
  if (defined $master) { $to_command = "\x04"; $input_ended = 0 } # the end of the input of a terminal is a key
  else { close_input() }
}

sub close_input {
  return unless defined $input;
  if (defined $pid) { close $input unless defined $master }
  else { shutdown($input, SHUT_WR) }
  undef $input;
}

sub collect {
  my ($kind) = @_;
  my $size = $socket_gone || $credit > $PIECE ? $PIECE : $credit;
  my $count = sysread($outputs{$kind}, my $bytes, $size);
  if (!defined $count && ($! == EAGAIN || $! == EINTR)) { return }
  if (!$count) { # the end; a terminal answers EIO
    delete $outputs{$kind};
    frame($OUTPUT_END, '') unless %outputs || defined $pid;
    return;
  }
  $credit -= $count unless $socket_gone;
  frame($kind, $bytes);
}

# Fields of the start frame: pty|pipe, rows, columns, terminal type, then the words of the command. Or: port, number.
sub begin {
  my ($mode, @fields) = @_;
  return open_port($fields[0]) if $mode eq 'port' && !defined $waiting;
  my ($rows, $columns, $term, @words) = @fields;
  @words = ($waiting) if defined $waiting;
  my $ok = eval { $mode eq 'pty' ? start_on_terminal($rows, $columns, $term, \@words) : start_on_pipes(\@words); 1 };
  if (!$ok) {
    my $why = $@ =~ /^([^\n]{0,200})/ ? $1 : '';
    failure('SLIP_ATTACH_COMMAND', "The command cannot be started in the sandbox: $why.", 'Try again, or without a terminal: slipway ps:exec --no-tty');
    end_now();
  }
  $connected = 1;
  frame($STARTED, '');
}

sub start_on_pipes {
  my ($words) = @_;
  pipe(my $in_read, my $in_write) && pipe(my $out_read, my $out_write) && pipe(my $err_read, my $err_write)
    or die "no pipe: $!\n";
  spawn($in_read, $out_write, $err_write, $words, undef);
  close $_ for $in_read, $out_write, $err_write;
  nonblocking($_) for $in_write, $out_read, $err_read;
  ($input, %outputs) = ($in_write, $OUTPUT => $out_read, $ERRORS => $err_read);
}

sub start_on_terminal {
  my ($rows, $columns, $term, $words) = @_;
  sysopen($master, '/dev/ptmx', O_RDWR | O_NOCTTY) or die "no free terminal ($!)\n";
  my ($unlocked, $number) = (pack('i', 0), pack('I', 0));
  ioctl($master, $TIOCSPTLCK, $unlocked) && ioctl($master, $TIOCGPTN, $number) or die "no terminal ($!)\n";
  sysopen(my $slave, '/dev/pts/' . unpack('I', $number), O_RDWR | O_NOCTTY) or die "no terminal ($!)\n";
  resize($rows, $columns);
  $ENV{TERM} = $term if $term =~ /^[\w.+-]{1,60}$/;
  spawn($slave, $slave, $slave, $words, 1);
  close $slave;
  nonblocking($master);
  ($input, %outputs) = ($master, $OUTPUT => $master);
}

sub spawn {
  my ($stdin, $stdout, $stderr, $words, $terminal) = @_;
  my $line = @$words == 0 ? 'exec bash' : @$words == 1 ? $words->[0] : 'exec ' . join(' ', map { quote($_) } @$words);
  my @program = ('/bin/sh', @starter, '/bin/bash', $dyno, $line);
  defined($pid = fork) or die "no new process ($!)\n";
  return if $pid;
  $SIG{$_} = 'DEFAULT' for qw(CHLD HUP INT PIPE QUIT TERM);
  POSIX::setsid();
  my $no_theft = 0;
  ioctl($stdin, $TIOCSCTTY, $no_theft) if $terminal;
  POSIX::dup2(fileno($stdin), 0);
  POSIX::dup2(fileno($stdout), 1);
  POSIX::dup2(fileno($stderr), 2);
  POSIX::close($_) for 3 .. 32;
  { no warnings 'exec'; exec { $program[0] } @program }
  POSIX::_exit(127);
}

sub quote {
  my ($word) = @_;
  $word =~ s/'/'\\''/g;
  return "'$word'";
}

sub open_port {
  my ($port) = $_[0] =~ /^(\d{1,5})$/;
  socket(my $handle, AF_INET, SOCK_STREAM, 0) or return refuse_port($! + 0);
  nonblocking($handle);
  connect($handle, pack_sockaddr_in($port // 0, inet_aton('127.0.0.1'))) || $! == EINPROGRESS
    or return refuse_port($! + 0);
  ($input, %outputs) = ($handle, $OUTPUT => $handle);
}

sub refuse_port {
  $! = $_[0];
  failure('SLIP_ATTACH_PORT', "No connection to this port inside the sandbox: $!.", 'See what the app listens on with: slipway logs');
  end_now();
}

sub resize {
  my ($rows, $columns) = @_;
  return unless defined $master && $rows =~ /^\d{1,5}$/ && $columns =~ /^\d{1,5}$/;
  my $size = pack('S4', $rows, $columns, 0, 0);
  ioctl($master, $TIOCSWINSZ, $size);
}

sub send_signal {
  my ($name) = @_;
  kill($name, -$pid) if defined $pid && !defined $status && $name =~ /^(?:HUP|INT|QUIT|TERM|KILL|USR1|USR2|CONT|TSTP)$/;
}

sub reap {
  return unless $child_ended && defined $pid && !defined $status;
  $child_ended = 0;
  return unless waitpid($pid, POSIX::WNOHANG()) == $pid;
  ($status, $ended_at) = ($?, time);
}

# The client is gone, or the sandbox stops. Only the terminal or the pipes tell the command; the others of its session get SIGHUP too.
sub hang_up {
  my ($seconds) = @_;
  $kill_at = time + $seconds;
  end_now() unless defined $pid;
  kill('HUP', -$pid);
  kill('CONT', -$pid);
  return if $stopping;
  $socket_gone = 1;
  close_input(); # its output is read and thrown away: SIGPIPE would end a command that cleans up
  return unless defined $master;
  %outputs = ();
  close $master;
  undef $master;
}

sub session {
  my @found;
  for my $file (glob '/proc/[0-9]*/stat') {
    open(my $stat, '<', $file) or next;
    my $line = <$stat> // '';
    close $stat;
    my ($process) = $line =~ /^(\d+) /;
    my @fields = split(/ /, substr($line, rindex($line, ')') + 2));
    push @found, $process if defined $process && $fields[0] ne 'Z' && $fields[3] eq $pid;
  }
  return @found;
}

sub finish_when_done {
  if (defined $pid) {
    return unless defined $status && !%outputs;
    return if $socket_gone && session(); # they have the same time to end
    my $code = $status & 127 ? 128 + ($status & 127) : $status >> 8;
    $exit_code = $code;
    frame($EXIT, pack('C', $code));
    end_now();
  }
  return unless $connected && !%outputs && !defined $input;
  frame($EXIT, pack('C', 0));
  end_now();
}

# The client closes the stream when it has read the last frame. If this end closed first, bytes in transit could be lost.
sub end_now {
  my $until = time + $SILENCE_S;
  while (!$socket_gone && time < $until) {
    flush_out();
    my ($readable, $writable) = ('', '');
    vec($readable, fileno($socket), 1) = 1;
    vec($writable, fileno($socket), 1) = 1 if length $out;
    next unless select($readable, $writable, undef, 1) > 0 && vec($readable, fileno($socket), 1);
    my $count = sysread($socket, my $ignored, 65536);
    last if defined $count ? $count == 0 : $! != EAGAIN && $! != EINTR;
  }
  POSIX::_exit(defined $waiting ? $exit_code : 0);
}
