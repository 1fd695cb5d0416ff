#!/bin/sh
# report.sh FOLDER: from the NN_name.text files that judge left in a folder, what other systems read:
# results.json (Gradescope), junit.xml, classroom.json (the reporter of GitHub Classroom), and on
# standard output the last line that Autolab wants.
set -u
cd "$1" || exit 1
# What a student's program printed need not be text: what neither format knows is left out.
text() { iconv -c -f UTF-8 -t UTF-8 "$1" | tr -d '\000-\010\013-\037\177'; }
json() { text "$1" | sed 's/[\\"]/\\&/g' | awk '{ printf "%s\\n", $0 }'; }
xml() { text "$1" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g'; }
tests= cases= classes= scores= sum=0 most=0
comma=
for file in [0-9]*.text; do
  [ -e "$file" ] || continue
  name=${file%.text}
  line=$(sed -n "s/.*$name\.cpp:\([1-9][0-9]\{0,5\}\).*/\1/p" "$file" | head -n 1)
  path=lessons/exercises/$name.cpp
  set -- $(tail -n 1 "$file")  # "1 of 4 points"
  if [ "$1" = "$3" ]; then status=pass; else status=fail; fi
  tests="$tests$comma{\"name\": \"$name\", \"number\": \"${name%%_*}\", \"score\": $1, \"max_score\": $3,"
  tests="$tests \"visibility\": \"visible\", \"output\": \"$(json "$file")\"}"
  classes="$classes$comma{\"name\": \"$name\", \"status\": \"$status\", \"score\": $1, \"message\": \"$(json "$file")\","
  classes="$classes \"test_code\": \"make exercise-${name%%_*}\", \"filename\": \"$path\", \"line_no\": ${line:-0}}"
  cases="$cases  <testcase classname=\"exercises\" name=\"$name\" file=\"$path\" line=\"$line\">"
  [ $status = pass ] || cases="$cases<failure message=\"$1 of $3 points\">$(xml "$file")</failure>"
  cases="$cases</testcase>
"
  scores="$scores${scores:+, }\"$name\": $1"
  sum=$((sum + $1)) most=$((most + $3))
  comma=',
  '
done
if [ $sum = $most ]; then status=pass; else status=fail; fi
# Each is renamed when it is whole, for it may be read at any time.
put() { printf '%s\n' "$2" >"$1.new" && mv "$1.new" "$1"; }
put results.json "{\"score\": $sum, \"tests\": [
  $tests]}"
put junit.xml "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuite name=\"exercises\">
$cases</testsuite>"
put classroom.json "{\"version\": 1, \"status\": \"$status\", \"max_score\": $most, \"tests\": [
  $classes]}"
echo "{\"scores\": {$scores}}"
