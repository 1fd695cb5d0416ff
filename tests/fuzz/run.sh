#!/bin/sh
# Feeds every reader with files made up by libFuzzer, and random programs to the gradients.
#
#   tests/fuzz/run.sh SECONDS    for all of them together; NAME in FUZZ runs one alone
set -eu
cd "$(dirname "$0")/../.."
names=${FUZZ:-safetensors state vocabulary text tsv pairs byte_pairs review programs}
seconds=$(($1 / $(echo "$names" | wc -w)))
if ! echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }' |
  clang++ -fsanitize=fuzzer,address -x c++ - -o /dev/null 2>/dev/null; then
  echo "SKIPPED: make fuzz: there is no clang++ with libFuzzer here (Debian: clang libclang-rt-dev)"
  exit 0
fi
make --no-print-directory MODE=fuzz CXX="${CLANG:-clang++}" BUILD=build/fuzz build/fuzz/fuzz/readers \
  build/fuzz/fuzz/programs
# Files are made and thrown away by the million: in memory, where there is such a folder.
if [ -w /dev/shm ]; then export TMPDIR=/dev/shm; fi
for name in $names; do
  seeds=tests/fuzz/seeds/$name
  found=build/fuzz/found/$name
  mkdir -p "$found"
  program=readers
  if [ "$name" = programs ]; then program=programs; fi
  if FUZZ=$name build/fuzz/fuzz/$program -max_total_time=$seconds -max_len=${LENGTH:-200} \
    -len_control=0 -artifact_prefix="$found/" -print_final_stats=1 ${RUNS:+-runs=$RUNS} \
    "$found" $(ls -d "$seeds" 2>/dev/null) >"$found.txt" 2>&1; then
    echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$found.txt") runs, nothing found"
  else
    tail -40 "$found.txt"
    echo "$name: found something; the input lies in $found"
    exit 1
  fi
done
