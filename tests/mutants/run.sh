#!/bin/sh
# Plants the mistakes of list.txt in the library, one at a time, and says which test notices each.
# One that no test notices is a hole in the tests, unless the list says why it changes nothing.
#
#   run.sh                all of them
#   run.sh only WORD      number WORD, or those with WORD in their sentence or file
#   run.sh tenth          those whose turn it is today, for CI
#
# Each worker has a copy of the tree in build/mutants. It builds what the mistake changes, runs the
# release build and, if that notices nothing, the double build; then it puts back the text and the
# objects. What `make test` built already is not built again.
set -u
cd "$(dirname "$0")/../.."
place=$PWD/build/mutants
workers=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
seconds=${SECONDS_EACH:-120}  # a test program that takes longer has noticed: it hangs
# The usual linker would take most of the time, and so would names for a debugger (-S: without).
linker="-Wl,-S $(echo 'int main() {}' | ${CXX:-g++} -fuse-ld=gold -x c++ -o /dev/null - 2>/dev/null && echo -fuse-ld=gold)"

# What a mistake changes is optimised less than what `make test` built: that is the same bits. And a
# mistake may leave a variable unused.
build() {  # build MODE JOBS [TESTS=FILES], in a copy's folder
  make --no-print-directory -s -j"$2" MODE="$1" BUILD="build/$1" CXX="${CXX:-g++}" \
    LENIENT="-Werror -O3 -g1" UNOPTIMISED='$(if $(LIGHT),-O0,-O1)' LINKER="$linker" ${3:+"$3"} \
    "build/$1/gradus-tests"
}

run_tests() {  # run_tests MODE [NAMES]: the test files with these names, in half the time, or all
  files=$(echo "*${2:-}*" | sed 's/ /*,*/g')
  limit=$seconds
  [ -z "${2:-}" ] || limit=$((seconds / 2))
  (ulimit -v 6000000 && exec timeout "$limit" "build/$1/gradus-tests" --abort-after=1 --no-colors \
    "--source-file=$files")
}

# The names of the test files that are likely to notice a mistake in FILE, and are run first.
likely() {  # likely FILE
  name=$(basename "$1" | sed 's/\..*//; s/_backward//; s/_header//')
  case $1 in
    src/kernels/attention* | src/kernels/dropping.h | */busy_rows.cpp) name="attention decoder dropout" ;;
    */elementwise.*) name=arithmetic ;;
    */rows.cpp) name="softmax arithmetic" ;;
    */math.h) name=functions ;;
    src/backward.cpp | src/tensor.cpp) name="graph arithmetic messages looking_on in_place" ;;
    src/buffer.cpp) name="buffer tensor threads" ;;
    src/mask.cpp | src/shape.cpp) name="$name messages batches" ;;
    src/random.cpp) name="numbers baseline" ;;
    src/operations/*) name="$name operation_errors mistakes messages" ;;
    include/gradus/module.h) name=fit ;;
    include/gradus/watcher.h) name=looking_on ;;
    include/*) name="defaults layers baseline picture" ;;
    src/layers/*) name="layers module decoder writing lines pytorch" ;;
    src/pictures/*) name="picture graph_layout" ;;
    src/inspect/*) name="looking_on check_gradients recording" ;;
    */optimizer.cpp) name="optimizer schedule lines" ;;
    */batches.cpp) name="batches tasks lines" ;;
    */evaluat*) name="fit tasks lines writing" ;;
    */fit.cpp | */training_state.cpp) name="fit resume lines progress" ;;
    */beam_search.cpp) name="writing lines" ;;
    */safetensors.cpp) name="safetensors weights lines" ;;
    src/text/* | src/training/*) name="$name lines" ;;
  esac
  echo "$name"
}

# Cuts the list into files: N.what, N.file, N.old, N.new and, of some, N.equal.
read_list() {
  awk -v to="$place/list/" 'BEGIN { RS = ""; FS = "\n" }
    /^#/ { next }
    {
      ++n; old = fresh = equal = ""
      for (i = 3; i <= NF; ++i) {
        if ($i ~ /^-/) old = old substr($i, 3) "\n"
        else if ($i ~ /^\+/) fresh = fresh substr($i, 3) "\n"
        else equal = equal $i "\n"
      }
      printf "%s", $1 >(to n ".what"); printf "%s", $2 >(to n ".file")
      printf "%s", old >(to n ".old"); printf "%s", fresh >(to n ".new")
      if (equal != "") printf "%s", equal >(to n ".equal")
      close(to n ".what"); close(to n ".file"); close(to n ".old"); close(to n ".new")
    }
    END { print n }' tests/mutants/list.txt
}

# Prints FILE with the old text, which must be there once, replaced by the new one.
replace() {  # replace NUMBER FILE
  OLD=$(cat "$place/list/$1.old") NEW=$(cat "$place/list/$1.new") awk '
    { text = text $0 "\n" }
    END {
      old = ENVIRON["OLD"]
      at = index(text, old)
      if (old == "" || !at || index(substr(text, at + 1), old)) exit 1
      printf "%s%s%s", substr(text, 1, at - 1), ENVIRON["NEW"], substr(text, at + length(old))
    }' "$2"
}

wanted() {  # wanted NUMBER
  case $choice in
    all) true ;;
    tenth) [ $(($1 % 10)) = $(($(date +%j | sed 's/^0*//') % 10)) ] ;;
    *) [ "$word" = "$1" ] || grep -qi -e "$word" "$place/list/$1.what" "$place/list/$1.file" ;;
  esac
}

# The first test case that failed; if none did, the last line: of tensors that are still alive.
named() {  # named LOG
  awk '/^TEST CASE:/ { sub(/^TEST CASE: */, ""); name = $0 }
       /ERROR:/ { print name; found = 1; exit }
       END { if (!found) print }' "$1"
}

attempt() {  # attempt MODE [NAMES]: builds the tests, and runs those with these names, or all
  only=
  case $file in include/*)  # which is in every test: at first no others are built
    [ -z "${2:-}" ] || only="TESTS=$(for name in $2; do ls tests/*"$name"*_test.cpp; done | sort -u | tr '\n' ' ') \
      tests/main.cpp $(echo tests/plain*.cpp)" ;;
  esac
  build "$1" 1 "$only" || return 99
  run_tests "$@"
}

# Plants one mistake in the copy we are in, and prints what came of it.
verdict() {  # verdict NUMBER
  file=$(cat "$place/list/$1.file")
  log=$place/list/$1.log
  replace "$1" "$place/tree/$file" >"$file" 2>/dev/null ||
    { echo "NO LONGER FITS: the old text must stand once in $file"; return; }
  for mode in release double; do
    { attempt $mode "$(likely "$file")" && attempt $mode; } >"$log" 2>&1
    case $? in
      0) continue ;;
      99) echo "DOES NOT BUILD: see build/mutants/list/$1.log"; return ;;
      124) by="time" ;;
      *) by=$(named "$log") ;;
    esac
    [ $mode = release ] || by="$by (double)"
    [ -e "$place/list/$1.equal" ] && echo "NOT EQUAL, noticed by: $by" || echo "noticed by: $by"
    return
  done
  [ -e "$place/list/$1.equal" ] && echo "equal" || echo "SURVIVES"
}

worker() {  # worker NUMBER
  rm -rf "$place/copy$1"
  cp -Rp "$place/tree" "$place/copy$1"
  cd "$place/copy$1" || exit 1
  for n in $(seq 1 "$count"); do
    wanted "$n" && mkdir "$place/taken/$n" 2>/dev/null || continue
    touch "$place/start$1"
    verdict "$n" >"$place/list/$n.verdict"
    printf '%3d  %s\n     %s\n' "$n" "$(cat "$place/list/$n.what")" "$(cat "$place/list/$n.verdict")"
    for changed in "$(cat "$place/list/$n.file")" \
      $(find build -newer "$place/start$1" \( -name '*.o' -o -name '*.d' \)); do
      cp -p "$place/tree/$changed" "$changed" 2>/dev/null
    done
  done
}

choice=${1:-all} word=${2:-}
rm -rf "$place/list" "$place/taken" "$place/tree/src" "$place/tree/include" "$place/tree/tests"
mkdir -p "$place/list" "$place/taken" "$place/tree"
cp -Rp Makefile src include tests lessons "$place/tree"
for mode in release double; do
  mkdir -p "$place/tree/build/$mode"
  cp -Rp "build/$mode"/flags "build/$mode"/src "build/$mode"/tests "$place/tree/build/$mode" 2>/dev/null
done
count=$(read_list)
started=$(date +%s)
fails() { echo "without any mistake the $1 build fails: see build/mutants/$1.log" && exit 1; }
for mode in release double; do
  echo "building the $mode tests"
  (cd "$place/tree" && build $mode "$workers") >"$place/$mode.log" 2>&1 || fails $mode
done
(cd "$place/tree" && run_tests double) >"$place/double.log" 2>&1 &
(cd "$place/tree" && run_tests release) >"$place/release.log" 2>&1 || fails release
wait $! || fails double
for w in $(seq 1 "$workers"); do worker "$w" & done
wait

cd "$place/list" || exit 1
tell() { grep -l "$1" ./*.verdict 2>/dev/null | wc -l; }
echo "$(tell '') mistakes: $(tell '^noticed') noticed, $(tell '^equal') equal," \
  "$(tell '^[A-Z]') survive or are wrong, $((($(date +%s) - started + 59) / 60)) minutes"
for n in $(grep -l '^[A-Z]' ./*.verdict 2>/dev/null | tr -dc '0-9\n' | sort -n); do
  printf '%3d  %s\n     %s\n' "$n" "$(cat "$n.what")" "$(cat "$n.verdict")"
done
[ "$(tell '^[A-Z]')" = 0 ]
