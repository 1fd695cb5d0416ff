#!/bin/sh
# Opens every page of the book in a browser without a window, wide and narrow, light and dark, and
# looks it over (page_check.js): errors, names, headings, contrast, no scrolling sideways. Then
# searches, and copies.
#   tests/pages.sh [folder]
set -u
cd "$(dirname "$0")/.."
. tests/browser.sh
book=${1:-build/book}
[ -e "$book/index.html" ] || make book >/dev/null || exit 1
cp -r "$book/." "$place/book"
failed=0

# acted PAGE ACTION: a copy of the page, acted-PAGE, that does ACTION and then looks itself over.
acted() {
  act "$book/$1" "$place/book/acted-$1" "addEventListener('load', () => setTimeout(() => {
$2
$(cat tests/page_check.js)
}, 50));"
}

cases=
count=0
for file in "$book"/[0-9]*.html "$book"/[a-z]*.html; do
  case $file in */steps-*) continue ;; esac  # tests/steps.sh
  name=$(basename "$file")
  acted "$name" ""
  count=$((count + 1))
  cases="$cases[\"$name\", \"acted-$name\", undefined],
"
done
look_through book "1280, 390" $count "$cases"

acted index.html 'search.value = "softmax gradient"; search.dispatchEvent(new Event("input"));
  setTimeout(() => { document.body.dataset.hits = found.querySelectorAll("a").length; }, 500);'
open_page book/acted-index.html 1280 1 --virtual-time-budget=3000
grep -q 'data-hits="[1-9]' "$place/dom.html" || { echo "the search finds nothing"; failed=1; }
acted 01_attention.html 'document.body.dataset.copied = document.querySelector(".block .line").textContent;'
open_page book/acted-01_attention.html 1280 1 --virtual-time-budget=3000
grep -q 'data-copied="#include &lt;gradus/gradus.h&gt;"' "$place/dom.html" ||
  { echo "a copied line is not the line"; failed=1; }
[ $failed = 0 ] && echo "pages: $count pages, no fault"
exit $failed
