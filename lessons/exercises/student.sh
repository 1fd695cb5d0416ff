#!/bin/sh
# student.sh COMMAND [NN]: what stands behind `make exercises`, `make exercise-06`, `make hint-06`,
# `make watch-06` and `make debug-exercise-06`. BUILD, MAKE and DEBUGGER come from the Makefile.
set -u
cd "$(dirname "$0")/../.."
tools=$BUILD/lessons/exercises
notes=build/exercises
mkdir -p "$notes"

# Sets the name of exercise 6 or 06, and the file of its cases, which the hand-out brings along.
find_exercise() {
  for source in lessons/exercises/"$1".cpp lessons/exercises/"$1"_*.cpp lessons/exercises/0"$1"_*.cpp; do
    [ -e "$source" ] || continue
    name=$(basename "$source" .cpp)
    cases=lessons/exercises/cases/$name.cases
    [ -e "$cases" ] || cases=$tools/$name.cases
    return
  done
  echo "there is no exercise $1; make exercises lists them" >&2
  return 1
}

# build TARGET...: what the compiler says is shown as its first error only.
build() {
  [ -e "$BUILD/libgradus.a" ] || echo "(The library is built first, which takes a minute or two.)"
  $MAKE -s --no-print-directory "$@" >"$notes/log" 2>&1 && return
  if grep -q "exercises/$name.cpp.*error" "$notes/log"; then
    echo "$name does not compile:"
    grep -m 1 -A 2 "exercises/$name.cpp.*error" "$notes/log" | cut -c 1-300
  else
    echo "$name could not be built:"
    tail -n 5 "$notes/log"
  fi
  return 1
}

exercise() { judged | fold -s -w 80; }
judged() {
  rm -f "$notes/$name".*
  build "$tools/judge" "$cases" || return
  "$tools/judge" "$cases" "" "$source" "$notes" "it does not compile" >/dev/null
  build "$tools/$name.program" && "$tools/judge" "$cases" "$tools/$name.program" "$source" "$notes"
}

# One line an exercise, and which is next.
all() {
  next=
  [ -e "$BUILD/libgradus.a" ] || echo "(The library is built first, which takes a minute or two.)"
  $MAKE -s -k --no-print-directory $(for source in lessons/exercises/[0-9]*.cpp; do
    echo "$tools/$(basename "$source" .cpp).program"; done) >/dev/null 2>&1  # on all processors
  for source in lessons/exercises/[0-9]*.cpp; do
    find_exercise "$(basename "$source" .cpp)"
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
# failed.
debug() {
  exercise
  [ -s "$notes/$name.case" ] || return 0
  line=$(cat "$notes/$name.stop")
  [ -n "$line" ] || line=$(awk '/\/\/> yours/ { print FNR + 1; exit }' "$source")
  program=build/debug/lessons/exercises/$name.program
  [ -e build/debug/libgradus.a ] || echo "(The library is built for the debugger first.)"
  build MODE=debug BUILD=build/debug "$program" || return
  GRADUS_CASE=$notes/$name.case GRADUS_STOP=$name.cpp:$line
  export GRADUS_CASE GRADUS_STOP
  exec sh lessons/debugger/start.sh "$DEBUGGER" "$program" "${COMMANDS:-}"
}

# The next hint; after the last one that again.
hint() {
  build "$cases" || return
  count=$(($(cat "$notes/$name-hint" 2>/dev/null || echo 0) + 1))
  echo "$count" >"$notes/$name-hint"
  awk -v count="$count" '$1 == "hint" { getline; last = $0; if (++n == count) exit }
    END { print last; if (n < count) print "(That was the last hint.)" }' "$cases" | fold -s -w 80
}

case $1 in
  all) all ;;
  *) find_exercise "$2" && "${1%-exercise}" ;;
esac
exit 0
