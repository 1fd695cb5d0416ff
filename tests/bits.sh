#!/bin/sh
# The same bits everywhere: builds the lessons in many ways, runs them, and compares what they print
# with lessons/expected. One differing character fails.
#
#   bits.sh quick   GCC (or what CXX is) at -O3 and, shortened, at -O0; takes a few minutes
#                   (with TURN=0, 1 or 2 in the environment a third of the shortened ones)
#   bits.sh all     also Clang, libc++, 1 to 3 threads, x86-64-v3 and -v4, AArch64 under emulation
#   bits.sh short MODE      the shortened transcripts from that build, such as asan
#   bits.sh accept [NN...]  takes what the lessons (or lesson NN) print now as the expected transcripts,
#                           and how many lines each block prints (NN.blocks, for the book)
#
# A lesson that ends with an error fails too, and is never accepted. Each runs in a folder of its own,
# so that it neither goes on with an earlier training nor overwrites trained weights in build/.
# Lessons that train run shortened (two steps, one epoch, one seed, few examples) where the machine
# is slow, and are compared with lessons/expected/NN.short.txt.
set -u
cd "$(dirname "$0")/.."
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
programs=$(ls lessons | sed -n 's/^\([0-9][0-9]_.*\)\.cpp$/\1/p' | grep -v -e '^16' -e '^25' -e '_mine$')
place=$(mktemp -d) || exit 1
trap 'rm -rf "$place"' EXIT
compared=0
failed=0

build() {  # build FOLDER MAKE-ARGUMENTS...
  folder=$1
  shift
  targets=
  for program in $programs; do targets="$targets $folder/lessons/$program"; done
  make --no-print-directory -s -j"$jobs" BUILD="$folder" "$@" $targets >/dev/null || exit 1
}

transcript() {  # transcript FOLDER LESSON full|short EMULATOR: what it prints, and how it ends
  mkdir -p "$place/$2/build"
  (
    program=$PWD/$1/lessons/$2
    [ -e "$place/$2/lessons" ] || ln -s "$PWD/lessons" "$place/$2/lessons"
    cd "$place/$2" || exit 1
    rm -rf build/*
    [ "$3" = short ] && export STEPS=2 EPOCHS=1 SEEDS=1 PAIRS=200 REVIEWS=400
    $4 "$program" 2>error.txt || echo "ended with exit status $?: $(tail -n 3 error.txt)"
  )
}

expected() {  # expected LESSON full|short
  number=${1%%_*}
  if [ "$2" = short ] && grep -qE '"(STEPS|EPOCHS)"' "lessons/$1.cpp"; then
    echo "lessons/expected/$number.short.txt"
  else
    echo "lessons/expected/$number.txt"
  fi
}

keep_pictures() {  # keep_pictures LESSON: so that `make book` need not run it again
  mkdir -p build/drawn
  cp "$place/$1"/build/*.svg build/ 2>/dev/null && touch "build/drawn/$1"
  cp "$place/$1"/build/*.html build/ 2>/dev/null
}

compare() {  # compare NAME FOLDER full|short [EMULATOR]
  # As many lessons run at a time as there are processors, each begun when one has ended.
  rm -rf "$place/begun"
  mkdir "$place/begun"
  for worker in $(seq "$jobs"); do
    for program in $programs; do
      mkdir "$place/begun/$program" 2>/dev/null || continue
      transcript "$2" "$program" "$3" "${4:-}" >"$place/$program.txt"
    done &
  done
  wait
  for program in $programs; do
    compared=$((compared + 1))
    if diff "$(expected "$program" "$3")" "$place/$program.txt" >"$place/diff"; then
      echo "same bits  $1  $program"
      [ "$2 $3" != "build/release full" ] || keep_pictures "$program"
    else
      echo "DIFFERENT  $1  $program"
      head -n 6 "$place/diff"
      failed=$((failed + 1))
    fi
  done
}

# blocks LESSON: how many lines each block of main prints, for the book; from a copy of the lesson
# that prints a mark after each block (lessons/book/output.cpp).
blocks() {
  mkdir -p build/marked/lessons
  build/release/book mark "lessons/$1.cpp" >"$place/marked.cpp" || return 1
  ${CXX:-g++} -std=c++20 -O1 -ffp-contract=off -Iinclude -pthread "$place/marked.cpp" \
    build/release/libgradus.a -o "build/marked/lessons/$1" || return 1
  transcript build/marked "$1" full "" >"$place/marked.txt"
  number=${1%%_*}
  if ! grep -v "^$(printf '\036')" "$place/marked.txt" | cmp -s - "lessons/expected/$number.txt"; then
    echo "$1 prints something else when its blocks are marked"
    return 1
  fi
  awk '/^\036/ { printf "%s%d", gap, lines; gap = " "; lines = 0; next } { ++lines } END { print "" }' \
    "$place/marked.txt" >"lessons/expected/$number.blocks"
}

in_turn() { echo "$programs" | awk -v turn="${TURN:-}" 'turn == "" || NR % 3 == turn'; }

# works COMPILER...: libc++ before version 16 has no algorithms on ranges, which lessons use.
works() {
  printf '#include <algorithm>\nint main() { int x[2] = {}; std::ranges::sort(x); }' |
    "$@" -std=c++20 -x c++ - -o "$place/works" >/dev/null 2>&1
}

if [ "${1:-}" = short ]; then
  folder=build/$2
  case ${CXX:-} in *clang++) folder=$folder-clang++ ;; esac  # as the Makefile calls it
  programs=$(in_turn)
  build "$folder" MODE="$2"
  compare "$2" "$folder" short
  echo "$((compared - failed)) passed, $failed failed"
  [ "$failed" = 0 ]
  exit
fi
if [ "${1:-quick}" = accept ]; then
  shift
  programs=$(for program in $programs; do
    case " ${*:-${program%%_*}} " in *" ${program%%_*} "*) echo "$program" ;; esac
  done)
  build build/release build/release/book
  for program in $programs; do
    for form in full short; do
      transcript build/release "$program" $form "" >"$place/$program.txt"
      if grep '^ended with exit status' "$place/$program.txt"; then exit 1; fi
      cp "$place/$program.txt" "$(expected "$program" $form)"
    done
    blocks "$program" || exit 1
  done
  exit 0
fi

build build/release
if [ "${1:-quick}" = quick ]; then  # one thread each, as there are as many lessons as processors
  GRADUS_THREADS=1
  export GRADUS_THREADS
  compare "${CXX:-g++} -O3, 1 thread" build/release full
  unset GRADUS_THREADS
fi
programs=$(in_turn)
build build/debug MODE=debug
compare "${CXX:-g++} -O0" build/debug short
if [ "${1:-quick}" = all ]; then
  for count in 1 2 3; do
    GRADUS_THREADS=$count
    export GRADUS_THREADS
    compare "${CXX:-g++} -O3, $count threads" build/release full
  done
  unset GRADUS_THREADS
  if works clang++; then
    build build/release-clang++ CXX=clang++
    compare "clang++ -O3" build/release-clang++ full
    build build/debug-clang++ MODE=debug CXX=clang++
    compare "clang++ -O0" build/debug-clang++ short
  fi
  if works clang++ -stdlib=libc++; then
    build build/libc++ CXX=clang++ EXTRA=-stdlib=libc++
    compare "clang++ libc++" build/libc++ full
  fi
  for level in v3 v4; do
    works g++ -march=x86-64-$level || continue
    build build/x86-64-$level ARCH=-march=x86-64-$level
    if build/x86-64-$level/lessons/01_attention >/dev/null 2>&1; then
      compare "x86-64-$level" build/x86-64-$level full
    fi
  done
  emulator=$(command -v qemu-aarch64-static || command -v qemu-aarch64)
  if [ -n "$emulator" ] && works aarch64-linux-gnu-g++ -static; then
    build build/aarch64 CXX=aarch64-linux-gnu-g++ ARCH= EXTRA=-static
    compare "AArch64 (qemu)" build/aarch64 short "$emulator"
  fi
fi
echo "$((compared - failed)) passed, $failed failed"
[ "$failed" = 0 ]
