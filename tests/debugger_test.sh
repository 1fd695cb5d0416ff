#!/bin/sh
# The debugger commands on lesson 1, unoptimised and at -O2, in gdb and lldb where installed.
set -u
cd "$(dirname "$0")/.."
failed=0
gdb_script=$(mktemp)
lldb_script=$(mktemp)
trap 'rm -f "$gdb_script" "$lldb_script"' EXIT
line=$(sed -n '/^  water.backward();/=' lessons/01_attention.cpp)
commands() { # commands debug|optimised: what is typed. Optimised code keeps arguments, not every line.
  if [ "$1" = debug ]; then
    printf 'break 01_attention.cpp:%s\ncontinue\nprint x\nheat weights\ngraph water\ntensor scores\n' "$line"
  else
    printf 'break gradus::backward_step\ncontinue\nprint out\nheat out\ngraph out\ntensor out\n'
  fi
  echo backward-step
}
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
    commands $mode >"$gdb_script"
    if [ $debugger = lldb ]; then
      script=$lldb_script
      sed -e 's/^break \(.*\):\([0-9]*\)$/breakpoint set -f \1 -l \2/' \
        -e 's/^break \(.*\)/breakpoint set -n \1/' "$gdb_script" >"$script"
    fi
    sh lessons/debugger/start.sh $debugger "$folder/lessons/01_attention" "$script" >build/debugger.txt 2>&1
    wants "$debugger, $mode" '"weights" softmax [4, 4] at lessons/01_attention.cpp:' \
      '"scores" divide [4, 4]' '"x" tensor [4, 4]' '"water of bank" slice [1, 1]' 'backward of ' \
      'the gradient that comes in:' 'min 1.0000  max 1.0000  mean 1.0000'
    if [ $mode = debug ]; then
      wants "$debugger, $mode" 'min 0.0000  max 3.0000  mean 0.6875' '|--    @@|'
    fi
    echo "$debugger, $mode: done"
  done
done
[ $failed = 0 ]
