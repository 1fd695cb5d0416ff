#!/bin/sh
# Feeds every reader with files made up by libFuzzer, and random programs to the gradients.
#
#   tests/fuzz/run.sh SECONDS    of computing for all of them together, as many at a time as there are
#                                processors; NAME in FUZZ runs one alone
set -eu
cd "$(dirname "$0")/../.."

one() {  # one NAME
  seeds=tests/fuzz/seeds/$1
  found=build/fuzz/found/$1
  mkdir -p "$found"
  program=readers
  if [ "$1" = programs ]; then program=programs; fi
  if FUZZ=$1 build/fuzz/fuzz/$program -max_total_time=$seconds -max_len=${LENGTH:-200} \
    -len_control=0 -artifact_prefix="$found/" -print_final_stats=1 ${RUNS:+-runs=$RUNS} \
    "$found" $(ls -d "$seeds" 2>/dev/null) >"$found.txt" 2>&1; then
    echo "$1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$found.txt") runs, nothing found"
  else
    tail -40 "$found.txt"
    echo "$1: found something; the input lies in $found"
    return 1
  fi
}

if [ "$1" = one ]; then
  one "$2"
  exit
fi
names=${FUZZ:-programs safetensors state vocabulary text tsv pairs byte_pairs review}
seconds=$(($1 / $(echo "$names" | wc -w)))
export seconds
if ! echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }' |
  clang++ -fsanitize=fuzzer,address -x c++ - -o /dev/null 2>/dev/null; then
  echo "SKIPPED: make fuzz: there is no clang++ with libFuzzer here (Debian: clang libclang-rt-dev)"
  exit 0
fi
make --no-print-directory MODE=fuzz CXX="${CLANG:-clang++}" BUILD=build/fuzz build/fuzz/fuzz/readers \
  build/fuzz/fuzz/programs
# Files are made and thrown away by the million: in memory, where there is such a folder.
if [ -w /dev/shm ]; then export TMPDIR=/dev/shm; fi
for name in $names; do echo "$name"; done |
  xargs -n 1 -P "$(getconf _NPROCESSORS_ONLN)" sh tests/fuzz/run.sh one
