#!/bin/sh
# Opens every page of the book in a browser without a window, wide and narrow, light and dark, and
# looks it over (page_check.js): errors, names, headings, contrast, no scrolling sideways. Then
# searches, and copies.
#   tests/pages.sh [folder]    starts two of itself, each for every other page
set -u
cd "$(dirname "$0")/.."
. tests/browser.sh
book=${1:-build/book}
[ -e "$book/index.html" ] || make book >/dev/null || exit 1
if [ -z "${2:-}" ]; then
  for rest in 0 1; do echo "$book $rest"; done | xargs -L 1 -P 2 sh tests/pages.sh
  exit
fi
cp -r "$book/." "$place/book"
failed=0
looked=0
look() { # look PAGE ACTION WIDTH COLOURS (0: dark): the page in $place/dom.html, with its faults
  sed 's|</body>||; s|</html>||; s|<head>|<head><script>addEventListener("error", e => { document.documentElement.dataset.error = e.message; })</script>|' \
    "$book/$1" >"$place/book/acted.html"
  printf '<script>//<![CDATA[\naddEventListener("load", () => setTimeout(() => {\n%s\n%s\n}, 50));\n//]]></script></body></html>' \
    "$2" "$(cat tests/page_check.js)" >>"$place/book/acted.html"
  open_page book/acted.html "$3" "$4" --virtual-time-budget=3000
  looked=$((looked + 1))
  faults=$(said faults)
  grep -q '<body[^>]* data-faults=""' "$place/dom.html" && return
  echo "$1 ($3, colours $4): ${faults:-not looked over}"
  failed=1
}
number=0
for file in "$book"/[0-9]*.html "$book"/[a-z]*.html; do
  case $file in */steps-*) continue ;; esac  # tests/steps.sh
  number=$((number + 1))
  [ $((number % 2)) = "$2" ] || continue
  for width in 1280 390; do
    look "$(basename "$file")" "" $width 1
    case $file in *.h.html) ;; *) look "$(basename "$file")" "" $width 0 ;; esac
  done
done
look index.html 'search.value = "softmax gradient"; search.dispatchEvent(new Event("input"));
  setTimeout(() => { document.body.dataset.hits = found.querySelectorAll("a").length; }, 500);' 1280 1
grep -q 'data-hits="[1-9]' "$place/dom.html" || { echo "the search finds nothing"; failed=1; }
look 01_attention.html 'document.body.dataset.copied = document.querySelector(".block .line").textContent;' 1280 1
grep -q 'data-copied="#include &lt;gradus/gradus.h&gt;"' "$place/dom.html" ||
  { echo "a copied line is not the line"; failed=1; }
[ $failed = 0 ] && echo "pages: $looked looks, no fault"
exit $failed
