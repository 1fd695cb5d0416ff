#!/bin/sh
# The Makefile, tried on a small project in a folder of its own: what must be built anew is, what is
# asked for by mistake is refused, and what a student wrote or trained stays.
set -u
cd "$(dirname "$0")/.." || exit 1
place=$(mktemp -d) || exit 1
trap 'rm -rf "$place"' EXIT
mkdir -p "$place/src" "$place/tests/bench" "$place/lessons/data" "$place/include"
cp Makefile "$place"
cp lessons/new.sh "$place/lessons"
root=$PWD
cd "$place" || exit 1
export PREFIX="$place/there"
unset MAKEFLAGS MAKELEVEL MFLAGS
failed=0
passed=0
check() { # check SENTENCE COMMAND...
  sentence=$1
  shift
  if "$@" >log.txt 2>&1; then
    passed=$((passed + 1))
  else
    echo "WRONG: $sentence"
    tail -n 5 log.txt
    failed=$((failed + 1))
  fi
}
says() { # says TEXT MAKE-ARGUMENTS...: the output of make has the text
  text=$1
  shift
  make "$@" >said.txt 2>&1  # to its end: a pipe that grep leaves early would stop it
  grep -qF -- "$text" said.txt
}
silent() { ! says "$@"; }

echo 'int one() { return 1; }' >src/one.cpp
echo 'int two() { return 2; }' >src/two.cpp
for number in 01 02 03; do
  printf '%s\n' '#include <cstdio>' 'int one();' "int main() { std::printf(\"$number %d\\n\", one()); }" \
    >lessons/${number}_x.cpp
done
printf '%s\n' '#include "size.h"' 'int main() { return SIZE; }' >tests/bench/limits.cpp
echo '#define SIZE 0' >tests/bench/size.h
echo 'int machine() { return 0; }' >tests/bench/machine.cpp

check "a lesson is called by its number" says "02 1" lesson-02
check "nothing is built twice" silent src/ lesson-02
check "another flag builds the library anew" says src/one.cpp lesson-02 EXTRA=-DX
check "the same flag does not" silent src/ lesson-02 EXTRA=-DX
check "another target processor builds it anew" says src/one.cpp lesson-02 ARCH=
printf '#!/bin/sh\nexec %s "$@"\n' "${CXX:-g++}" >g++
chmod +x g++
check "another compiler builds it anew" says src/one.cpp lesson-02 CXX=./g++
rm src/two.cpp
make lesson-02 >/dev/null 2>&1
check "a deleted source leaves the library" sh -c '! ar t build/release*/libgradus.a | grep two'
for turn in 1 2 3; do
  touch src/one.cpp
  check "several lessons at a time build one library" make -j8 lesson-01 lesson-02 lesson-03
done
check "there is no lesson 04" says "no lesson or program 04" lesson-04

folder=$(dirname build/release*/libgradus.a)
make "$folder/bench/limits" >/dev/null 2>&1
echo '#define SIZE 0 + 0' >tests/bench/size.h
check "a bench is built anew for its header" says tests/bench/limits "$folder/bench/limits"
check "an unknown kind of build is refused" says "MODE=fast is no kind of build" MODE=fast lesson-01
check "a debug build of another compiler has its own folder" \
  says BUILD=build/debug-other++ -n debug-01 CXX=other++ DEBUGGER=true

cp lessons/01_x.cpp lessons/01_mine.cpp
sed -i.old 's/01 %d/mine %d/' lessons/01_mine.cpp
check "a copy of a lesson is called by its name" says "mine 1" 01_mine
check "and the lesson still by its number" says "01 1" lesson-01
check "a program of one's own begins with a file" says "lessons/mine/idea.cpp is yours" new NAME=idea
check "which is not overwritten" says "is there already" new NAME=idea
check "a name that means something else is refused" says "choose another name" new NAME=test
check "a name that is no name is refused" says "small letters" new NAME=../x
echo 'int main() { int unused; }' >lessons/mine/idea.cpp
check "its warnings are not errors" make idea
echo 'int main() { int unused; }' >lessons/03_x.cpp
check "those of a lesson are" silent "03 1" lesson-03

mkdir -p build/classifier build/labels/mean-1
touch build/classifier/best.safetensors build/labels/mean-1/best.safetensors
make clean >/dev/null
check "make clean keeps trained weights, and nothing else" [ "$(echo $(ls build))" = "classifier labels" ]

# The speed table, of benches and a PyTorch that only say how large their numbers can be.
mkdir -p slow/bench
echo 'echo fma_gflops=9999.9 memory_gbytes=999.9 " gflops=9999.9" median_s=99.9999 peak_rss_mib=9999 extra_mib=99999' >slow/bench/limits
chmod +x slow/bench/limits
for name in matmul book tiny attention translator writing openblas python3; do
  cp slow/bench/limits slow/bench/$name
done
PATH=$place/slow/bench:$PATH sh "$root/tests/bench/table.sh" slow >table.txt
wide() { grep -v 'fma_gflops' table.txt | LC_ALL=C awk 'length > 80 { print; wide = 1 } END { exit !wide }'; }
make help >>table.txt
check "the speed table has its rows" [ "$(grep -c 9999 table.txt)" -gt 30 ]
check "it and the list of targets fit 80 columns" eval '! wide'
echo "build: $passed passed, $failed failed"
[ "$failed" = 0 ]
