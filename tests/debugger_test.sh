#!/bin/sh
# The debugger commands in gdb and lldb, where installed: on lesson 1, unoptimised and optimised, on
# the modules and the long graph of lesson 9, and, as its text has them, on lesson 6.
set -u
cd "$(dirname "$0")/.."
failed=0
commands=$(mktemp)
trap 'rm -f "$commands"' EXIT
line_of() { sed -n "/^ *$2;/=" "lessons/$1.cpp" | tail -n 1; }  # line_of LESSON STATEMENT
typed() { # typed 01|06|09 debug|optimised: optimised code keeps arguments, not every variable
  case $1$2 in
    01debug)
      printf '%s\n' "tbreak 01_attention.cpp:$(line_of 01_attention \
        'const Tensor weights = softmax(scores).named("weights")')" 'print weights' continue \
        step step step step step step step # the seventh is in the kernel
      printf '%s\n' "tbreak 01_attention.cpp:$(line_of 01_attention 'water.backward()')" \
        continue 'print x' 'print *&products' 'heat weights' 'graph water' \
        'tensor scores' 'print x.grad()'
      for i in 1 2 3 4 5; do echo backward-step; done # the next one is softmax: five steps
      printf '%s\n' backward-step step step step step step 'print rows' ;;
    01optimised)
      printf '%s\n' 'tbreak gradus::backward_step' continue 'print out' 'heat out' 'graph out' \
        'tensor out' 'print out.grad()' ;;
    06debug)
      printf '%s\n' 'break gradus::kernels::masked_softmax' continue continue continue up \
        'print/d allowed' down next delete \
        "break 06_masks.cpp:$(line_of 06_masks 'sum(matmul(w, x)).backward()') if way == 2" continue ;;
    09debug)
      printf '%s\n' 'tbreak gradus::Dense::forward' continue 'print this->kernel' 'print x' \
        'break gradus::MultiHeadAttention::operator()' continue delete \
        "tbreak 09_depth.cpp:$(line_of 09_depth 'loss.backward()')" continue 'graph loss' ;;
  esac
  printf '%s\n' backward-step step step backward-step
}
for_lldb() {
  sed -e 's/^tbreak \(.*\):\([0-9]*\)$/breakpoint set -o true -f \1 -l \2/' \
    -e 's/^tbreak \(.*\)/breakpoint set -o true -n \1/'
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
check() { # check 01|06|09 debug|optimised FOLDER DEBUGGER
  name="$4, lesson $1, $2"
  program=$3/lessons/$(basename "$(echo lessons/"$1"_*.cpp)" .cpp)
  typed "$1" "$2" >"$commands"
  [ "$4" = lldb ] && typed "$1" "$2" | for_lldb >"$commands"
  STEPS=2 EPOCHS=2 sh lessons/debugger/start.sh "$4" "$program" "$commands" >build/debugger.txt 2>&1
  wants "$name" 'backward of ' 'the gradient that comes in:' 'input 0: ' \
    'min 1.0000  max 1.0000  mean 1.0000'
  [ "$1" = 06 ] && wants "$name" 'gradus::masked_softmax' 'kernels::masked_softmax' 'NaN OR INFINITE: 4'
  case $1$2 in
    01*)
      wants "$name" '"scores" divide [4, 4]' '"x" tensor [4, 4]' '"water of bank" slice [1, 1]' \
        '"weights" softmax [4, 4] at lessons/01_attention.cpp:'
      ;;
    09*)
      wants "$name" 'linear [16, 1] at lessons/09_depth.cpp:' '(see above)' \
      '"kernel" uniform [16, 32]' 'BinaryCrossEntropy::backward' 'const Tensor q = query(query_input, where);'
      ;;
  esac
  # What we print fits 80 columns; frames, lines of the source (and the ^ that lldb puts below) and
  # vectors are the debugger's own.
  if tr -d '\r' <build/debugger.txt | LC_ALL=C awk '
    /^[ >-]*[0-9]+ *\t/ || /[(].*=.*[)] at / || /^ *frame #|reakpoint [0-9]|^Process|^Current exec/ ||
      /^[(]lldb[)]|= std::|^[ \t]*\^/ { next }
    length > 80 { print; wide = 1 } END { exit !wide }'; then
    echo "$name: the lines above are wider than 80 columns"
    failed=$((failed + 1))
  fi
  if [ "$1$2" = 01debug ]; then
    wants "$name" 'min 0.0000  max 3.0000  mean 0.6875' '|--    @@|' '"products" matmul [4, 4]' \
      'its line has not run' 'no tensor: nothing was' 'assigned yet, or, for a gradient' \
      'Softmax::backward' 'kernels::softmax_backward' 'values of input 0: ' \
      'kernels::softmax (
kernels::softmax at ' # as gdb, or as lldb, says it
  fi
  [ "$1$2" = 01optimised ] && wants "$name" '::Slice, gradus::EdgeList<1>'
  echo "$name: done"
}
found=
for debugger in gdb lldb; do
  if command -v $debugger >/dev/null 2>&1; then
    found="$found $debugger"
  else
    echo "SKIPPED: $debugger is not installed"
  fi
done
[ -n "$found" ] || exit 0
make -s -j2 MODE=debug BUILD=build/debug build/debug/lessons/01_attention \
  build/debug/lessons/06_masks build/debug/lessons/09_depth >/dev/null || exit 1
# The optimised program is the usual library, but with the types of what the debugger shows.
make -s -j2 build/release/libgradus.a >/dev/null && mkdir -p build/optimised/lessons || exit 1
files=$(printf 'src/operations/%s.cpp ' elementwise matmul shaping softmax)
${CXX:-g++} -std=c++20 -O2 -g -ffp-contract=off -Iinclude -pthread lessons/01_attention.cpp \
  src/tensor.cpp $files build/release/libgradus.a -o build/optimised/lessons/01_attention || exit 1
for debugger in $found; do
  check 01 debug build/debug "$debugger"
  check 01 optimised build/optimised "$debugger"
  check 06 debug build/debug "$debugger"
  check 09 debug build/debug "$debugger"
  printf '%s\n' 'show args' 'settings show target.run-args' >"$commands"  # as gdb, or as lldb, asks
  DATA='some data/here' sh lessons/debugger/start.sh "$debugger" build/debug/lessons/01_attention "$commands" \
    >build/debugger.txt 2>&1
  wants "$debugger, DATA" 'some data/here'
done
[ $failed = 0 ]
