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
all=$scratch/all
wrong=0
complain() { echo "$*"; wrong=1; }

make -s ${MAKE_WITH:-} handout TO="$scratch/handout" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
make -s ${MAKE_WITH:-} $(for part in judge runner.o 06_attention.oracle; do echo "$tools/$part"; done) || exit 1
(cd "$scratch/handout" && find . -name '*.mistakes' -o -name 'oracle*' -o -name 'teachers*' && grep -l 'For teachers' README.md) >"$scratch/log"
[ ! -s "$scratch/log" ] || complain "the hand-out has what is the teacher's: $(cat "$scratch/log")"
unsolved=$scratch/handout/lessons/exercises/06_attention.cpp

# submit NAME WANT FILE: a submission, and what its report has to say.
submit() {
  mkdir -p "$all/$1" && cat "$3" >"$all/$1/06_attention.cpp"
  echo "$2" >"$scratch/$1.want"
}
# write NAME WANT: standard input is what stands between the marks.
write() {
  awk '/todo\(/ { while ((getline line < "/dev/stdin") > 0) print line; next } { print }' "$unsolved" >"$scratch/text"
  submit "$1" "$2" "$scratch/text"
}
# evil NAME WANT DECLARATIONS CODE: code in a function of its own.
evil() {
  write "$1" "$2" <<CODE
  void evil();
  evil();
  return query;
}
$3
void evil() { $4 }
Tensor rest(const Tensor& query) {
  return query;
CODE
}
here=$(pwd)
out='std::fflush(nullptr);'
writes='extern "C" long write(int, const void*, unsigned long);'
evil exit 'ended without an answer' '' 'std::exit(0);'
evil sleep 'no answer after 10 s of waiting' 'extern "C" unsigned sleep(unsigned);' 'for (;;) sleep(100);'
evil loop 'no answer after 1 s of computing' '' 'for (volatile int i = 0;;) i = i + 1;'
evil fork 'no answer' 'extern "C" int fork();' \
  'for (int i = 0; i < 100000; ++i) if (fork() == 0) for (volatile int j = 0;;) j = j + 1;'
# Not touched: where pages are slow, to fill the memory takes longer than a second of computing.
evil allocate 'more memory than there is' '' 'std::vector<char*> all; for (;;) all.push_back(new char[1 << 24]);'
evil kill 'ended without an answer' 'extern "C" int kill(int, int);' 'kill(-1, 9); kill(1, 9); kill(0, 9); std::exit(1);'
evil connect 'WRONG' 'extern "C" { int socket(int, int, int); int connect(int, const void*, unsigned); int* __errno_location(); }' \
  "const unsigned char to[16] = {2, 0, 0, 9, 127, 0, 0, 1}; const int s = socket(2, 1, 0);
   if (connect(s, to, 16) == 0 || *__errno_location() == 111) std::puts(\"REACHED\"); $out"
evil claim 'ended without an answer' '' "for (int i = 0; i < 100; ++i) std::puts(\"4 of 4 points\"); $out std::exit(0);"
evil bytes 'ended without an answer' '' "std::puts(\"\\xff\\x01 <&> \\\"\"); $out std::exit(0);"
evil results '' '' "write_file(\"results.json\", \"{}\"); write_file(\"$here/build/STOLEN\", \"{}\"); write_file(\"/tmp/STOLEN\", \"{}\");"
for file in "$tools/06_attention.cases" lessons/exercises/06_attention.cpp; do
  evil "read-${file##*.}" '' '' "std::puts(read_file(\"$here/$file\", 1 << 24).c_str()); std::puts(\"REACHED\"); $out"
done
evil forge 'WRONG' "$writes" 'const std::string text = "answer 0 \"out\" \"\" 2 1 1\n1\nend\n"; write(3, text.data(), text.size()); std::exit(0);'
evil flood 'it wrote more\|no answer after' "$writes" 'for (;;) write(3, "aaaaaaaaaaaaaaaa", 16);'
evil throw 'no std::exception' '' 'throw 42;'
evil overflow 'it crashed' 'int deep(int n) { volatile int a[100]; a[n % 100] = n; return deep(n + 1) + a[n % 100]; }' 'deep(0);'
evil garbage 'does not compile' '' 'this does not compile;'
echo "#include \"$here/lessons/exercises/06_attention.cpp\"" | write include 'nothing is taken'
printf '%%\\\n:include "%s/lessons/exercises/06_attention.cpp"\n' "$here" | write splice 'nothing is taken'
echo 'return scaled_dot_product_attention(query, key, value);' | write library 'it uses scaled_dot_product_attention'
echo 'return matmul(query, key, {.transpose_b = true}) * (query.at({0, 0}) * 0 / Scalar(0));' | write nan WRONG
sed '/\/\/</d' "$unsolved" >"$scratch/text" && submit marks 'has no //<' "$scratch/text"
sed 's/const Tensor& value) {/const Tensor\& value, int extra) {/; s/todo(.*/return query * extra;/' "$unsolved" >"$scratch/text"
submit signature 'does not compile' "$scratch/text"
submit missing missing /dev/null && rm "$all/missing/06_attention.cpp"
submit right '4 of 4 points' lessons/exercises/06_attention.cpp
# The whole hand-out, with another question and other cases.
mkdir -p "$all/cases/lessons" && cp -r "$scratch/handout/lessons/exercises" "$all/cases/lessons/"
sed 's/cases.whole/Tensor::zeros/; s/answers.add("out".*/return;/' "$unsolved" >"$all/cases/lessons/exercises/06_attention.cpp"
: >"$all/cases/lessons/exercises/cases/06_attention.cases"
touch "$all/cases/lessons/exercises/additional.cpp"
echo 'not written yet' >"$scratch/cases.want"

# What the box stops depends on who starts it; what is refused before anything runs, or answers wrong,
# does not. So an ordinary user is given the former only.
mkdir "$scratch/harm"
for name in sleep loop fork allocate kill connect results read-cases read-cpp flood right; do
  cp -r "$all/$name" "$scratch/harm"
done

# check WHO SUBMISSIONS REPORTS: what their reports say.
check() {
  [ -e "$3/right/results.json" ] || { complain "$1: nothing was graded" && tail -n 5 "$3.log"; return; }
  for name in $(ls "$2"); do
    result=$3/$name/results.json
    grep -q "^{\"score\": $([ "$name" = right ] && echo 4 || echo 0)," "$result" || complain "$1: $name has other points"
    grep '06_attention' "$result" | grep -q -e "$(cat "$scratch/$name.want")" || complain "$1: $name is not named: $(grep 06_att "$result")"
    python3 -m json.tool "$result" >"$scratch/log" 2>&1 || [ $? = 127 ] || complain "$1: $name: $(cat "$scratch/log")"
    grep -q 'REACHED' "$result" && complain "$1: $name reached what it must not"
  done
  [ ! -e build/STOLEN ] && [ ! -e /tmp/STOLEN ] || complain "$1: a submission wrote a file"
}
# grade SUBMISSIONS REPORTS COMMAND...: as another user, perhaps.
grade() {
  given=$1 reports=$2
  shift 2
  "$@" env ONLY=06_attention CPU_SECONDS=1 BUILD="$BUILD" CXX="${CXX##* }" REPORTS="$reports" \
    FLAGS="-std=c++20 -ffp-contract=off -O0 -Iinclude -pthread" \
    sh lessons/exercises/grade.sh "$given" salt >"$reports.log" 2>&1
}
CXX=${CXX:-g++}
user=$scratch/ordinary reports=$scratch/reports
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
  mkdir "$user" && chown 12345 "$user"
  grade "$scratch/harm" "$user/reports" env TMPDIR="$user" setpriv --reuid 12345 --regid 12345 --clear-groups &
fi
grade "$all" "$reports" env
wait
check "as $(id -un)" "$all" "$reports"
[ ! -e "$user" ] || check "as an ordinary user" "$scratch/harm" "$user/reports"
grep -q 'outside the marks it is not' "$reports/signature/notes" || complain "another signature is not named"
grep -q 'outside the marks' "$reports/right/notes" "$reports/nan/notes" && complain "what was not changed is named"
grep -q 'not as it was handed out' "$reports/cases/notes" || complain "edited cases are not named"
grep -q 'additional.cpp is additional' "$reports/cases/notes" || complain "an additional file is not named"
[ "$wrong" = 0 ] && echo "the hand-out is unsolved; $(ls "$all" | wc -l) submissions are graded as they should"
exit $wrong
