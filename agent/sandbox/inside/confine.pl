#!/usr/bin/perl
# confine.pl <number of prctl> <file of BPF instructions> <program> [arguments]
# Adds a system call filter that looks at arguments, for tools that can only filter by name. Needs no_new_privs.
use strict;
use warnings;

my ($prctl, $path, @program) = @ARGV;
open(my $file, '<:raw', $path) or die "confine: $path: $!\n";
my $filter = do { local $/; <$file> };
close($file);
my $sock_fprog = pack('S x![P] P', length($filter) / 8, $filter);
my ($set_seccomp, $mode_filter) = (22, 2);
syscall(0 + $prctl, $set_seccomp, $mode_filter, $sock_fprog, 0, 0) == 0 or die "confine: filter refused: $!\n";
# report.sh starts it in the background, where a shell ignores these signals.
@SIG{qw(INT QUIT)} = ('DEFAULT', 'DEFAULT');
exec { $program[0] } @program or die "confine: $program[0]: $!\n";
