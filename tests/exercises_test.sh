#!/bin/sh
# Exercises: what a student sees of the hand-out, and that submissions which try to get points
# without an answer, or to do harm, get 0 points, are named, and do none.
#   exercises_test.sh [BUILD]      as root it runs as an ordinary user as well
set -u
cd "$(dirname "$0")/.." || exit 1
BUILD=${1:-build/release}
tools=$BUILD/lessons/exercises
scratch=$(mktemp -d) || exit 1
chmod 755 "$scratch"
trap 'rm -rf "$scratch"' EXIT
wrong=0
complain() { echo "$*"; wrong=1; }
flags="-std=c++20 -ffp-contract=off -O1 -Iinclude -pthread"

make -s ${MAKE_WITH:-} handout TO="$scratch/handout" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
make -s ${MAKE_WITH:-} grade SUBMISSION="$scratch/handout" SALT=test >"$scratch/log" 2>&1 || complain "the hand-out cannot be graded"
grep -q ' [1-9][0-9]* of' "$scratch/log" && complain "the hand-out has points"
unsolved=$scratch/handout/lessons/exercises/06_attention.cpp

# submit NAME: standard input is what stands between the marks, after a call of evil().
submit() {
  mkdir -p "$scratch/all/$1"
  awk -v part=/dev/stdin '/todo\(/ { while ((getline line < part) > 0) print line; next } { print }' \
    "$unsolved" >"$scratch/all/$1/06_attention.cpp"
}
# Closes the function, so that declarations can follow.
evil() { # evil NAME DECLARATIONS CODE
  submit "$1" <<CODE
  void evil();
  evil();
  return query;
}
$2
void evil() {
  $3
}
Tensor rest(const Tensor& query) {
  return query;
CODE
}
here=$(pwd)
evil exit '' 'std::exit(0);'
evil sleep 'extern "C" unsigned sleep(unsigned);' 'for (;;) sleep(100);'
evil loop '' 'for (volatile int i = 0;;) i = i + 1;'
evil fork 'extern "C" int fork();' 'for (int i = 0; i < 100000; ++i) if (fork() == 0) for (volatile int j = 0;;) j = j + 1;'
evil allocate '' 'std::vector<std::string> all; for (;;) all.push_back(std::string(1 << 24, 1));'
evil kill 'extern "C" int kill(int, int);' 'kill(-1, 9); kill(1, 9); std::exit(1);'
evil connect 'extern "C" { int socket(int, int, int); int connect(int, const void*, unsigned); int* __errno_location(); }' \
  'const unsigned char to[16] = {2, 0, 0, 9, 127, 0, 0, 1}; const int s = socket(2, 1, 0); if (connect(s, to, 16) == 0 || *__errno_location() == 111) std::puts("REACHED"); std::fflush(nullptr);'
evil print '' 'write_file("/dev/stdout", "4 of 4 points\n");'
evil claim '' 'for (int i = 0; i < 100; ++i) std::puts("4 of 4 points"); std::fflush(nullptr); std::exit(0);'
evil results '' "write_file(\"results.json\", \"{}\"); write_file(\"$here/build/STOLEN\", \"{}\"); write_file(\"/tmp/STOLEN\", \"{}\");"
evil read '' \
  "std::puts(read_file(\"$here/$tools/06_attention.cases\", 1 << 24).c_str()); std::puts(\"STOLEN\"); std::fflush(nullptr);"
evil solution '' \
  "std::puts(read_file(\"$here/lessons/exercises/06_attention.cpp\", 1 << 24).c_str()); std::puts(\"STOLEN\"); std::fflush(nullptr);"
evil forge 'extern "C" long write(int, const void*, unsigned long);' \
  'const std::string text = "answer 0 2 1 1 out\n1\nend\n"; write(3, text.data(), text.size()); std::exit(0);'
evil flood 'extern "C" long write(int, const void*, unsigned long);' 'for (;;) write(3, "aaaaaaaaaaaaaaaa", 16);'
evil throw '' 'throw 42;'
evil overflow 'int deep(int n) { volatile int a[100]; a[n % 100] = n; return deep(n + 1) + a[n % 100]; }' 'deep(0);'
evil garbage '' 'this does not compile;'
submit include <<CODE
#include "$here/lessons/exercises/06_attention.cpp"
CODE
submit library <<CODE
  return scaled_dot_product_attention(query, key, value);
CODE
submit nan <<CODE
  return matmul(query, key, {.transpose_b = true}) * (query.at({0, 0}) * 0 / Scalar(0));
CODE
cases=$scratch/all/cases/lessons/exercises
mkdir -p "$scratch/all/missing" "$scratch/all/marks" "$scratch/all/signature" "$cases/cases"
grep -v '//<' "$unsolved" >"$scratch/all/marks/06_attention.cpp"
sed 's/const Tensor& value) {/const Tensor\& value, int extra) {/; s/todo(.*/return query * extra;/' "$unsolved" >"$scratch/all/signature/06_attention.cpp"
sed 's/cases.whole/Tensor::zeros/; s/answers.add("out".*/return;/' "$unsolved" >"$cases/06_attention.cpp"
echo "exercise 0 -1 06_attention" >"$cases/cases/06_attention.cases"
touch "$cases/additional.cpp"
mkdir -p "$scratch/all/right" && cp lessons/exercises/06_attention.cpp "$scratch/all/right/"

# check WHO REPORTS: what the reports of all submissions say.
check() {
  reports=$2
  [ -e "$reports/right/results.json" ] || { complain "$1: nothing was graded" && tail -n 5 "$reports.log"; return; }
  while read -r name want; do
    result=$reports/$name/results.json
    score=$(sed -n 's/^{"score": \([0-9]*\).*/\1/p' "$result")
    [ "$score" = "$([ "$name" = right ] && echo 4 || echo 0)" ] || complain "$1: $name has $score points"
    grep '06_attention' "$result" | grep -q -- "$want" || complain "$1: $name is not named: $want: $(grep 06_att "$result")"
    grep -q 'REACHED\|STOLEN' "$result" && complain "$1: $name reached what it must not: $(cat "$result")"
  done <<'NAMES'
exit the program ended without an answer
sleep no answer after
loop no answer after 1 s of computing
fork no answer
allocate more memory than there is
kill the program ended
connect right\|WRONG
print
claim the program ended without an answer
results
read
solution
forge WRONG
flood it wrote more answers\|no answer after
throw no std::exception
overflow it crashed
garbage does not compile
include nothing is taken
library it uses scaled_dot_product_attention
nan WRONG
missing missing
marks has no //<
signature does not compile
cases not written yet
right 4 of 4 points
NAMES
  grep -q 'outside the marks it is not' "$reports/signature/notes" || complain "$1: another signature is not named"
  grep -q 'not as it was handed out' "$reports/cases/notes" || complain "$1: edited cases are not named"
  grep -q 'additional.cpp is additional' "$reports/cases/notes" || complain "$1: an additional file is not named"
  [ ! -e build/STOLEN ] && [ ! -e /tmp/STOLEN ] || complain "$1: a submission wrote a file"
}

# grade WHERE COMMAND...: as another user, perhaps.
grade() {
  reports=$1
  shift
  "$@" env CPU_SECONDS=1 BUILD="$BUILD" CXX="${CXX##* }" FLAGS="$flags" REPORTS="$reports" \
    sh lessons/exercises/grade.sh "$scratch/all" salt >"$reports.log" 2>&1
}
CXX=${CXX:-g++}
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
  mkdir "$scratch/ordinary" && chown 12345 "$scratch/ordinary"
  grade "$scratch/ordinary/reports" env TMPDIR="$scratch/ordinary" setpriv --reuid 12345 --regid 12345 --clear-groups &
fi
grade "$scratch/reports" env
wait
check "as $(id -un)" "$scratch/reports"
[ ! -e "$scratch/ordinary" ] || check "as an ordinary user" "$scratch/ordinary/reports"
[ "$wrong" = 0 ] && echo "the hand-out is unsolved; $(ls "$scratch/all" | wc -l) submissions are graded as they should"
exit $wrong
