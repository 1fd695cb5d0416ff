#!/bin/sh
# Runs test programs, which may be the same tests built in several ways, and sums up what they say.
#
#   tests/run.sh NAME PROGRAM...   NAME is empty, or a pattern of the cases to run, such as "*mask*"
set -u
name=$1
shift
said=$(mktemp) || exit 1
trap 'rm -f "$said"' EXIT
failed=0
for program in "$@"; do
  echo "$program"
  { "$program" ${name:+"--test-case=$name"} 2>&1 || echo "STOPPED: $program, exit status $?"; } |
    tee -a "$said"
done
awk '/^STOPPED/ { stopped++ }
     /^\[doctest\] test cases:/ { passed += $6; failed += $9 }
     END { if (passed + failed == 0) print "no test has this name"
           if (stopped && !failed) failed = stopped
           printf "%d tests passed, %d failed\n", passed, failed
           exit failed > 0 || passed == 0 }' "$said"
