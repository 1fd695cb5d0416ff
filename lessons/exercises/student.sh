#!/bin/sh
# student.sh COMMAND [NN]: what stands behind `make exercises`, `make exercise-06`, `make hint-06`,
# `make watch-06` and `make debug-exercise-06`. BUILD, MAKE and DEBUGGER come from the Makefile.
set -u
cd "$(dirname "$0")/../.."
tools=$BUILD/lessons/exercises
notes=build/exercises
mkdir -p "$notes"

# The name of exercise 6 or 06; the file of its cases, which the hand-out brings along.
name_of() {
  for file in lessons/exercises/"$1".cpp lessons/exercises/"$1"_*.cpp lessons/exercises/0"$1"_*.cpp; do
    [ -e "$file" ] && basename "$file" .cpp && return
  done
  echo "there is no exercise $1; make exercises lists them" >&2
  return 1
}
cases_of() {
  if [ -e "lessons/exercises/cases/$1.cases" ]; then echo "lessons/exercises/cases/$1.cases"
  else echo "$tools/$1.cases"; fi
}

# build TARGET...: what the compiler says is shown as its first error only.
build() {
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

judge() {
  rm -f "$notes/$name".*
  build "$tools/judge" "$(cases_of "$name")" || return
  set -- "lessons/exercises/$name.cpp" "$notes"
  "$tools/judge" refuse "$(cases_of "$name")" "$@" "it does not compile"
  build "$tools/$name.program" && "$tools/judge" "$(cases_of "$name")" "$tools/$name.program" "$@"
}

# One line an exercise, and which is next.
all() {
  next=
  for file in lessons/exercises/[0-9]*.cpp; do
    name=$(basename "$file" .cpp)
    judge >"$notes/said" 2>&1
    line=$(grep -m 1 -o -E 'not written yet|does not compile|could not be built' "$notes/said")
    points=$(tail -n 1 "$notes/said" | grep 'points$')
    printf '  %-22s %-16s %s\n' "$name" "$points" "$line"
    set -- $points  # "4 of 4 points"
    [ "${1:-0}" = "${3:-1}" ] || next=${next:-$name}
  done
  build "$tools/report" && "$tools/report" "$notes" >/dev/null  # for GitHub Classroom
  [ -z "$next" ] && echo "All are solved." || echo "Next: make exercise-${next%%_*}"
}

watch() {
  before=
  while :; do
    now=$(cksum "lessons/exercises/$name.cpp")
    [ "$now" = "$before" ] || { printf '\n%s\n' "$(date +%T)"; judge; }
    before=$now
    sleep 0.5
  done
}

# Stops where the first difference arises, or at the first line to be written, on the case that
# failed.
debug() {
  judge
  [ -s "$notes/$name.case" ] || return 0
  line=$(cat "$notes/$name.stop")
  [ -n "$line" ] || line=$(awk '/\/\/> yours/ { print FNR + 1; exit }' "lessons/exercises/$name.cpp")
  build MODE=debug BUILD=build/debug "build/debug/lessons/exercises/$name.program" || return
  GRADUS_CASE=$notes/$name.case GRADUS_STOP=$name.cpp:$line
  export GRADUS_CASE GRADUS_STOP
  exec sh lessons/debugger/start.sh "$DEBUGGER" "build/debug/lessons/exercises/$name.program" "${COMMANDS:-}"
}

hint() {
  build "$tools/judge" "$(cases_of "$name")" || return
  count=$(($(cat "$notes/$name-hint" 2>/dev/null || echo 0) + 1))
  echo "$count" >"$notes/$name-hint"
  "$tools/judge" hint "$(cases_of "$name")" "$count"
}

if [ "$1" = all ]; then
  all
else
  name=$(name_of "$2") && case $1 in
    exercise) judge ;;
    debug-exercise) debug ;;
    hint | watch) "$1" ;;
  esac
fi
exit 0
