#!/bin/sh
# Runs test programs, which may be the same tests built in several ways, and sums up what they say.
# Two processes run at a time: two programs, or the halves of one. (xargs starts them, because what
# a shell puts in the background ignores Ctrl-C, which a test and an impatient reader need.)
#
#   tests/run.sh NAME PROGRAM...   NAME is empty, or a pattern of the cases to run, such as "*mask*";
#                                  OPTIONS in the environment are doctest's, FROM is where they run
set -u
name=$1
shift
said=$(mktemp -d) || exit 1
trap 'rm -rf "$said"' EXIT
export said name OPTIONS="${OPTIONS:-}"
every_second() { ls tests/*.cpp | awk -v rest="$1" 'NR % 2 == rest' | paste -s -d , -; }
if [ $# = 1 ] && [ -z "$name" ]; then
  for rest in 0 1; do echo "$rest $1 --source-file=$(every_second $rest)"; done
else
  number=0
  for program in "$@"; do echo "$((number += 1)) $program"; done
fi | xargs -L 1 -P 2 sh -c 'file=$said/$1; echo "$2" >"$file"
  program=$(cd "$(dirname "$2")" && pwd)/$(basename "$2"); shift 2; cd "${FROM:-.}"
  "$program" "$@" $OPTIONS ${name:+"--test-case=$name"} >>"$file" 2>&1 || echo "STOPPED: $program, exit status $?" >>"$file"' part
cat "$said"/*
awk '/^STOPPED/ { stopped++ }
     /^\[doctest\] test cases:/ { passed += $6; failed += $9 }
     END { if (passed + failed == 0) print "no test has this name"
           if (stopped && !failed) failed = stopped
           printf "%d tests passed, %d failed\n", passed, failed
           exit failed > 0 || passed == 0 }' "$said"/*
