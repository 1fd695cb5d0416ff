#!/bin/sh
# The debugger commands on lesson 1, unoptimised and at -O2, in gdb and lldb where installed.
set -u
cd "$(dirname "$0")/.."
failed=0
gdb_script=$(mktemp)
lldb_script=$(mktemp)
trap 'rm -f "$gdb_script" "$lldb_script"' EXIT
line=$(sed -n '/^  water.backward();/=' lessons/01_attention.cpp)
cat >"$gdb_script" <<EOF
break 01_attention.cpp:$line
continue
print x
heat weights
graph water
tensor scores
backward-step
EOF
sed "s/^break \(.*\):\(.*\)/breakpoint set -f \1 -l \2/" "$gdb_script" >"$lldb_script"
wants() { # wants NAME TEXT...
  name=$1
  shift
  for text in "$@"; do
    if ! grep -qF -- "$text" build/debugger.txt; then
      echo "$name does not show: $text"
      failed=$((failed + 1))
    fi
  done
}
for mode in debug optimised; do
  flags="MODE=debug BUILD=build/debug"
  [ $mode = optimised ] && flags="BUILD=build/optimised EXTRA=-O2"
  folder=${flags##*BUILD=}
  folder=${folder%% *}
  make -s -j2 $flags "$folder/lessons/01_attention" >/dev/null || exit 1
  for debugger in gdb lldb; do
    if ! command -v $debugger >/dev/null 2>&1; then
      echo "SKIPPED: $debugger is not installed"
      continue
    fi
    script=$gdb_script
    [ $debugger = lldb ] && script=$lldb_script
    sh lessons/debugger/start.sh $debugger "$folder/lessons/01_attention" "$script" >build/debugger.txt 2>&1
    wants "$debugger, $mode" '"x" tensor [4, 4] at lessons/01_attention.cpp:' \
      'min 0.0000  max 3.0000  mean 0.6875' '"weights" softmax [4, 4]' '"scores" div' \
      'backward of "water of bank" slice [1, 1]' 'the gradient that comes in:'
    echo "$debugger, $mode: done"
  done
done
[ $failed = 0 ]
