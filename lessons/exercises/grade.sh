#!/bin/sh
# grade.sh SUBMISSION SALT: grades a submission, or every one in a folder, with cases that no student
# has seen: their seed comes from the salt, the student and the exercise. Only what stands between
# the marks is taken. Reports are in build/grade/STUDENT, from the start and after every exercise.
set -u
cd "$(dirname "$0")/../.."
tools=$BUILD/lessons/exercises
[ -d "$1" ] && [ -n "$2" ] || { echo "make grade SUBMISSION=dir SALT=words" >&2; exit 2; }
common="exercise item outcome"

refuse() { "$tools/judge" refuse "$tools/$1.cases" "$1.cpp" "$out" "$2"; } # refuse NAME WHY

# The submitted file is made a program; what goes wrong is said on standard output.
compile() { # compile NAME FILE
  "$tools/author" graft "lessons/exercises/$1.cpp" "$2" >"$work/$1.cpp" 2>"$work/notes" || {
    tr '\n' ' ' <"$work/notes"
    return 1
  }
  [ ! -s "$work/notes" ] || tee -a "$out/notes" <"$work/notes" >&2
  objects=
  for part in runner $common; do objects="$objects $tools/$part.o"; done
  (ulimit -t 120 && ulimit -v 4000000 2>/dev/null
    $CXX $FLAGS -Ilessons/exercises -c "$work/$1.cpp" -o "$work/$1.o" &&
      { $CXX $FLAGS "$work/$1.o" $objects "$BUILD/libgradus.a" -static -o "$work/$1.program" 2>/dev/null ||
        $CXX $FLAGS "$work/$1.o" $objects "$BUILD/libgradus.a" -o "$work/$1.program"; }) >"$work/log" 2>&1 && return
  printf 'it does not compile: '
  { grep -m 1 -A 1 'error' "$work/log" || echo 'the compiler gave up'; } | cut -c 1-300 | tr '\n' ' '
  return 1
}

grade_one() { # grade_one NAME SUBMISSION
  file=$(find "$2" -name "$1.cpp" -type f | sort | head -n 1)
  if [ -z "$file" ]; then
    refuse "$1" "missing: $1.cpp"
    return
  fi
  if ! said=$(compile "$1" "$file"); then
    refuse "$1" "$said"
    return
  fi
  seed=$(printf '%s/%s/%s' "$salt" "$student" "$1" | cksum | cut -d' ' -f1)
  "$tools/$1.oracle" write "lessons/exercises/$1.mistakes" "$seed" |
    "$tools/judge" - "$work/$1.program" "$file" "$out" >"$work/said" 2>&1 ||
    refuse "$1" "it could not be judged: $(tail -n 1 "$work/said" | cut -c 1-300)"
  if [ -n "$(awk '$1 == "unforeseen" { getline; print }' "$out/$1.result")" ]; then
    # The public cases are the same for all, so that two who answer alike can be found.
    "$tools/judge" "$tools/$1.cases" "$work/$1.program" "$file" "$out/public" >"$work/said" 2>&1
    print=$(awk '$1 == "unforeseen" { getline; print }' "$out/public/$1.result")
    [ -z "$print" ] || echo "$1 $print $student" >>"$all/unforeseen"
  fi
}

# What a submission has that is not graded.
name_additions() {
  for file in $(cd "$1" && find . -path '*exercises/*' -type f -newer /dev/null 2>/dev/null; cd "$1" && ls -p | grep -v /); do
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
  for name in $names; do refuse "$name" "not graded yet"; done
  "$tools/report" "$out" >/dev/null
  echo "$student"
  name_additions "$1" | sort -u | tee "$out/notes"
  for name in $names; do
    grade_one "$name" "$1"
    "$tools/report" "$out" >"$out/autolab"
    awk -v name="$name" '$1 == "points" { getline; printf "  %-22s %d of %d points", name, $1, $2 }
      $1 == "text" { getline; gsub(/\\n/, "\n"); n = split($0, lines, "\n")
        for (i = 1; i <= n; ++i) if (lines[i] !~ /^(exercise|  case|  )/) { print "  " lines[i]; exit } print "" }' "$out/$name.result"
  done
  tail -n 1 "$out/autolab"
}

salt=$2
all=${REPORTS:-build/grade}
rm -rf "$all"
mkdir -p "$all"
work=$(mktemp -d) || exit 1
chmod 711 "$work"
trap 'rm -rf "$work"' EXIT
names=$(for file in lessons/exercises/[0-9]*.cpp; do basename "$file" .cpp; done)
if [ -n "$(find "$1" -maxdepth 1 -name '[0-9]*.cpp')" ] || [ -d "$1/lessons" ]; then
  grade_student "$1"
else
  for submission in "$1"/*/; do grade_student "${submission%/}"; done
  [ ! -e "$all/unforeseen" ] || sort "$all/unforeseen" | awk '
    $1 $2 == before { who = who " " $3; ++count; next }
    { if (count > 1) print name ": the same wrong answers, which nobody foresaw:" who }
    { before = $1 $2; name = $1; who = " " $3; count = 1 }
    END { if (count > 1) print name ": the same wrong answers, which nobody foresaw:" who }'
fi
