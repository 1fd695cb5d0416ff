#!/bin/sh
# handout.sh FOLDER: the tree for students. Every exercise is unsolved, with the file of its cases;
# what tells solutions (mistakes, oracle, history) stays here.
set -eu
[ -n "$1" ] && { [ ! -e "$1" ] || [ -z "$(ls -A "$1")" ]; } ||
  { echo "make handout TO=dir: a folder that is empty or not there yet" >&2; exit 2; }
cd "$(dirname "$0")/../.."
mkdir -p "$1"
to=$(cd "$1" && pwd)
teachers='^(\.ci/|tests/exercises|lessons/exercises/(.*\.mistakes|oracle|author|handout|grade|teachers|classroom))'
git ls-files | grep -v -E "$teachers" | tar -cf - -T - | tar -xpf - -C "$to"
mkdir -p "$to/lessons/exercises/cases" "$to/.github/workflows"
for file in lessons/exercises/[0-9]*.cpp; do
  name=$(basename "$file" .cpp)
  "$TOOLS/author" unsolved "$file" >"$to/$file"
  cp "$TOOLS/$name.cases" "$to/lessons/exercises/cases/"
done
cp lessons/exercises/classroom.yml "$to/.github/workflows/classroom.yml"
# In the README the students' part comes first, and what is for teachers goes.
awk -v part=lessons/exercises/students.md '
  /^For teachers: /, /^$/ { next }
  /^## / && !done { while ((getline line < part) > 0) print line; print ""; done = 1 } { print }
' README.md >"$to/README.md"
# No line of a solution may be in it, but for those that stand outside of the marks, too.
cat "$to"/lessons/exercises/[0-9]*.cpp | sed 's/^ *//' >"$to/known"
cat lessons/exercises/[0-9]*.cpp | sed 's/^ *//' | grep -v -x -F -f "$to/known" |
  grep -v '^//' | grep '.\{21\}' >"$to/solution"
if grep -F -f "$to/solution" "$to"/lessons/exercises/*.* "$to"/lessons/exercises/cases/* >&2; then
  echo "the hand-out holds the lines above, which are of solutions" >&2
  exit 1
fi
rm "$to/known" "$to/solution"
echo "$1: $(ls lessons/exercises/[0-9]*.cpp | wc -l) exercises, $(du -sk "$to" | cut -f1) KiB"
