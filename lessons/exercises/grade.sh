#!/bin/sh
# grade.sh SUBMISSION SALT: grades a submission, or every one in a folder, with cases that no student
# has seen: their seed comes from the salt, the student and the exercise. Only what stands between
# the marks is taken. Reports are in build/grade/STUDENT, from the start and after every exercise.
set -u
cd "$(dirname "$0")/../.."
tools=$BUILD/lessons/exercises
[ -d "$1" ] && [ -n "$2" ] || { echo "make grade SUBMISSION=dir SALT=words" >&2; exit 2; }
objects="$tools/runner.o $tools/exercise.o $BUILD/libgradus.a"

refuse() { "$tools/judge" "$tools/$name.cases" "" "$name.cpp" "$out" "$1" >/dev/null; } # refuse WHY

# The submitted file is made a program; what goes wrong is said on standard output.
compile() { # compile FILE
  "$tools/author" graft "lessons/exercises/$name.cpp" "$1" >"$work/$name.cpp" 2>"$work/log" || {
    tr '\n' ' ' <"$work/log"
    return 1
  }
  [ ! -s "$work/log" ] || tee -a "$out/notes" <"$work/log" >&2
  (ulimit -t 120 && ulimit -v 4000000 2>/dev/null
    $CXX $FLAGS -Ilessons/exercises -c "$work/$name.cpp" -o "$work/$name.o" &&
      { $CXX $FLAGS "$work/$name.o" $objects -static -o "$program" 2>/dev/null ||
        $CXX $FLAGS "$work/$name.o" $objects -o "$program"; }) >"$work/log" 2>&1 && return
  printf 'it does not compile: '
  { grep -m 1 -A 1 'error' "$work/log" || echo 'the compiler gave up'; } | cut -c 1-300 | tr '\n' ' '
  return 1
}

grade_one() { # grade_one SUBMISSION
  file=$(find "$1" -name "$name.cpp" -type f | sort | head -n 1)
  [ -n "$file" ] || { refuse "missing: $name.cpp" && return; }
  program=$work/$name.program
  said=$(compile "$file") || { refuse "$said" && return; }
  seed=$(printf '%s/%s/%s' "$salt" "$student" "$name" | cksum | cut -d' ' -f1)
  "$tools/$name.oracle" write "lessons/exercises/$name.mistakes" "$seed" |
    "$tools/judge" - "$program" "$file" "$out" >"$work/log" 2>&1 ||
    refuse "it could not be judged: $(tail -n 1 "$work/log" | cut -c 1-300)"
  grep '^(On this machine' "$work/log" >"$all/gaps"
  # The public cases are the same for all, so that two who answer alike can be found.
  [ ! -s "$out/$name.unforeseen" ] ||
    "$tools/judge" "$tools/$name.cases" "$program" "$file" "$out/public" >/dev/null 2>&1
  [ ! -s "$out/public/$name.unforeseen" ] ||
    echo "$name $(cat "$out/public/$name.unforeseen") $student" >>"$all/unforeseen"
}

# What a submission has that is not graded.
name_additions() {
  (cd "$1" && find . -path '*exercises/*' -type f && find . -maxdepth 1 -type f) | sort -u |
    while read -r file; do
      base=$(basename "$file")
      case $file in
        */cases/*.cases)
          cmp -s "$1/$file" "$tools/$base" || echo "$file is not as it was handed out; it is not used" ;;
        *) [ -e "lessons/exercises/$base" ] || [ -e "$base" ] || echo "$file is additional; it is not used" ;;
      esac
    done
}

grade_student() {
  student=$(basename "$1")
  out=$all/$student
  mkdir -p "$out/public"
  for name in $names; do refuse "not graded yet"; done
  sh lessons/exercises/report.sh "$out" >/dev/null
  echo "$student"
  name_additions "$1" | tee "$out/notes"
  for name in $names; do
    grade_one "$1"
    sh lessons/exercises/report.sh "$out" >"$out/autolab"
    printf '  %-22s %s  %s\n' "$name" "$(tail -n 1 "$out/$name.text")" \
      "$(sed '1d; /^  /d; / points$/d' "$out/$name.text" | head -n 1)"
  done
  cat "$out/autolab"
}

salt=$2
all=${REPORTS:-build/grade}
rm -rf "$all"
mkdir -p "$all"
work=$(mktemp -d) || exit 1
chmod 711 "$work"
trap 'rm -rf "$work"' EXIT
names=${ONLY:-$(for file in lessons/exercises/[0-9]*.cpp; do basename "$file" .cpp; done)}
if [ -n "$(find "$1" -maxdepth 1 -name '[0-9]*.cpp')" ] || [ -d "$1/lessons" ]; then
  grade_student "$1"
else
  for submission in "$1"/*/; do grade_student "${submission%/}"; done
fi
[ ! -s "$all/gaps" ] || cat "$all/gaps"
[ ! -e "$all/unforeseen" ] || awk '
  { who[$1 " " $2] = who[$1 " " $2] " " $3; ++count[$1 " " $2] }
  END { for (key in who) if (count[key] > 1) {
    split(key, part, " "); print part[1] ": the same wrong answers, which nobody foresaw:" who[key] } }
' "$all/unforeseen" | sort
