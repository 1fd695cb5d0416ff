#!/bin/sh
# student.sh COMMAND NAME...: what stands behind `make exercises`, which gives all names, and `make
# exercise-06`, hint-06, watch-06, debug-exercise-06. BUILD, MAKE, DEBUGGER are the Makefile's.
set -u
cd "$(dirname "$0")/../.."
tools=$BUILD/lessons/exercises
notes=build/exercises

# What belongs to the exercise; the file of its cases the hand-out brings along.
use() { # use NAME
  name=$1 source=lessons/exercises/$1.cpp program=$tools/$1.program
  cases=lessons/exercises/cases/$1.cases
  [ -e "$cases" ] || cases=$tools/$1.cases
  mkdir -p "$notes"
}

# What the compiler says is shown as its first error only.
build() { # build TARGET...
  $MAKE -s -k --no-print-directory "$@" >"$notes/log" 2>&1 && return
  if grep -q "exercises/$name.cpp.*error" "$notes/log"; then
    echo "$name does not compile:"
    grep -m 1 -A 2 "exercises/$name.cpp.*error" "$notes/log" | cut -c 1-300
  else
    echo "$name could not be built:"
    tail -n 5 "$notes/log"
  fi
  return 1
}
announce() { # announce BUILD WHAT-FOR
  [ -e "$1/libgradus.a" ] || echo "(The library is built$2 first, which takes a minute or two.)"
}

exercise() { # exercise [OTHER-TARGETS]
  [ $# -gt 0 ] || set -- "$tools/judge" "$cases"
  if build "$@" "$program"; then
    "$tools/judge" "$cases" "$program" "$source" "$notes"
  else
    "$tools/judge" "$cases" "" "$source" "$notes" "it does not compile" >/dev/null 2>&1
  fi | fold -s -w 80
}

# One line an exercise, and which is next.
all() {
  next=
  $MAKE -s -k --no-print-directory $(printf "$tools/%s.program " $names) >/dev/null 2>&1  # all at once
  for each in $names; do
    use "$each"
    exercise >"$notes/said" 2>&1
    line=$(grep -m 1 -o -E 'not written yet|does not compile|could not be built' "$notes/said")
    points=$(grep ' points$' "$notes/said" | tail -n 1)
    printf '  %-22s %-16s %s\n' "$name" "$points" "$line"
    set -- $points  # "4 of 4 points"
    [ "${1:-0}" = "${3:-1}" ] || next=${next:-$name}
  done
  sh lessons/exercises/report.sh "$notes" >/dev/null  # for GitHub Classroom
  [ -z "$next" ] && echo "All are solved." || echo "Next: make exercise-${next%%_*}"
}

watch() {
  before=
  while :; do
    now=$(cksum "$source")
    [ "$now" = "$before" ] || { printf '\n%s\n' "$(date +%T)" && exercise; }
    before=$now
    sleep 0.5
  done
}

# Stops where the first difference arises, or at the first line to be written, on the case that
# failed. It judges the debug build, in a folder of its own: somebody may watch meanwhile.
debug() {
  build "$tools/judge" "$cases" || return
  program=build/debug/lessons/exercises/$name.program notes=$notes/debug
  mkdir -p "$notes"
  announce build/debug " for the debugger"
  exercise MODE=debug BUILD=build/debug
  [ -s "$notes/$name.case" ] || return 0
  line=$(sed -n "s/.*$name\.cpp:\([1-9][0-9]\{0,5\}\).*/\1/p" "$notes/$name.text" | head -n 1)
  line=${line:-$(awk '/\/\/> yours/ { print FNR + 1; exit }' "$source")}
  GRADUS_CASE=$notes/$name.case GRADUS_STOP=$name.cpp:$line
  export GRADUS_CASE GRADUS_STOP
  exec sh lessons/debugger/start.sh "$DEBUGGER" "$program" "${COMMANDS:-}"
}

# The next hint; after the last one that again.
hint() {
  build "$cases" || return
  count=$(($(cat "$notes/$name-hint" 2>/dev/null || echo 0) + 1))
  echo "$count" >"$notes/$name-hint"
  sed -n '/^hint /{s/^hint 0 "" "//; s/" -1$//; s/\\\(.\)/\1/g; p;}' "$cases" | awk -v count="$count" '
    NR <= count { last = $0 } END { print last; if (NR < count) print "(That was the last hint.)" }' |
    fold -s -w 80
}

command=${1%-exercise}
shift
names=$*
[ "$command" = hint ] || announce "$BUILD" ""
use "$1"
"$command"
exit 0
