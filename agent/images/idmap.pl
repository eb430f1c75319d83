#!/usr/bin/perl
# Clones a mount so that files of root belong to another uid and gid, and mounts the clone read-only.
# usage: idmap.pl SOURCE TARGET UID x64|arm64
# SOURCE: a mount point. TARGET: an empty folder. Exit 0, or 1 and a line on stderr. No modules: POSIX alone loads for 20 ms.
# Perl, because it is Essential on Debian, and util-linux before 2.39 does not have this system call.
use strict;
use warnings;

# System calls since Linux 5.2 have the same number on every architecture; unshare is older.
use constant { SYS_OPEN_TREE => 428, SYS_MOVE_MOUNT => 429, SYS_MOUNT_SETATTR => 442 };
use constant { AT_FDCWD => -100, AT_EMPTY_PATH => 0x1000, OPEN_TREE_CLONE => 1, OPEN_TREE_CLOEXEC => 0x80000 };
use constant { MOVE_MOUNT_F_EMPTY_PATH => 4, CLONE_NEWUSER => 0x10000000 };
use constant { ATTR_RDONLY => 1, ATTR_NOSUID => 2, ATTR_NODEV => 4, ATTR_IDMAP => 0x100000, MS_PRIVATE => 0x40000 };
my %UNSHARE = (x64 => 272, arm64 => 97);

sub fail { print STDERR "idmap: $_[0]\n"; exit 1 }

# The user namespace is used only as a table of ids. It exists as long as a process holds its file open.
sub open_user_namespace {
    my ($uid, $unshare) = @_;
    pipe(my $ready_read, my $ready_write) or fail("pipe: $!");
    pipe(my $done_read, my $done_write) or fail("pipe: $!");
    my $child = fork() // fail("fork: $!");
    if ($child == 0) {
        close $ready_read;
        close $done_write;
        syscall($unshare, CLONE_NEWUSER) == 0 or fail("unshare: $!");
        syswrite($ready_write, 'x');
        sysread($done_read, my $ignored, 1);
        exit 0;
    }
    close $ready_write;
    close $done_read;
    sysread($ready_read, my $word, 1) or fail('no user namespace');
    for my $map ('uid_map', 'gid_map') {
        open(my $file, '>', "/proc/$child/$map") or fail("$map: $!");
        syswrite($file, "0 $uid 1\n") or fail("$map: $!");
        close $file;
    }
    open(my $namespace, '<', "/proc/$child/ns/user") or fail("ns/user: $!");
    close $done_write;
    waitpid($child, 0);
    return $namespace;
}

@ARGV == 4 && $ARGV[2] =~ /^[1-9][0-9]{0,9}$/ && $UNSHARE{$ARGV[3]} or fail('usage: idmap.pl SOURCE TARGET UID x64|arm64');
my ($source, $target, $uid, $architecture) = @ARGV;
my $empty = ''; # syscall takes no literal where the kernel expects an address
my $namespace = open_user_namespace($uid, $UNSHARE{$architecture});
my $tree = syscall(SYS_OPEN_TREE, AT_FDCWD, $source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
$tree >= 0 or fail("open_tree: $!");
my $attributes = pack('Q4', ATTR_IDMAP | ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV, 0, MS_PRIVATE, fileno($namespace));
syscall(SYS_MOUNT_SETATTR, $tree, $empty, AT_EMPTY_PATH, $attributes, length $attributes) == 0 or fail("mount_setattr: $!");
syscall(SYS_MOVE_MOUNT, $tree, $empty, AT_FDCWD, $target, MOVE_MOUNT_F_EMPTY_PATH) == 0 or fail("move_mount: $!");
