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
  sed 's|</body>||; s|</html>||; s|<head>|<head><script>addEventListener("error", e => { document.documentElement.dataset.error = e.message; })</script>|' \
    "$book/$1" >"$place/book/acted-$1"
  printf '<script>//<![CDATA[\naddEventListener("load", () => setTimeout(() => {\n%s\n%s\n}, 50));\n//]]></script></body></html>' \
    "$2" "$(cat tests/page_check.js)" >>"$place/book/acted-$1"
}

# One browser goes through all pages, each in a frame as wide as the window would be: to start a
# browser takes longer than to look.
pages=
for file in "$book"/[0-9]*.html "$book"/[a-z]*.html; do
  case $file in */steps-*) continue ;; esac  # tests/steps.sh
  acted "$(basename "$file")" ""
  pages="$pages \"$(basename "$file")\","
done
cat >"$place/book/every.html" <<END
<!DOCTYPE html><title>Every page</title><body><script>
const faults = [];
let looked = 0;
const look = (page, width) => new Promise(done => {
  const frame = document.createElement("iframe");
  frame.width = width;
  frame.height = 900;
  frame.src = "acted-" + page;
  frame.onload = () => setTimeout(() => {
    const seen = frame.contentDocument.body.dataset.faults;
    if (frame.contentWindow.innerWidth !== width || seen !== "")
      faults.push(page + " (" + width + "): " + (seen ?? "not looked over"));
    ++looked;
    frame.remove();
    done();
  }, 200);
  document.body.append(frame);
});
(async () => {
  for (const page of [$pages])
    for (const width of [1280, 390]) await look(page, width);
  document.body.dataset.faults = faults.join("; ");
  document.body.dataset.looked = looked;
})();
</script></body>
END
looked=0
for colours in 1 0; do  # 0 is dark
  patience=300 open_page book/every.html 1280 $colours --allow-file-access-from-files \
    --virtual-time-budget=3000000
  faults=$(said faults)
  here=$(said looked)
  looked=$((looked + ${here:-0}))
  [ "${here:-0}" = $((2 * $(echo "$pages" | tr -cd , | wc -c))) ] && [ -z "$faults" ] && continue
  echo "colours $colours, ${here:-no} looks: ${faults:-not all pages were looked over}"
  failed=1
done

acted index.html 'search.value = "softmax gradient"; search.dispatchEvent(new Event("input"));
  setTimeout(() => { document.body.dataset.hits = found.querySelectorAll("a").length; }, 500);'
open_page book/acted-index.html 1280 1 --virtual-time-budget=3000
grep -q 'data-hits="[1-9]' "$place/dom.html" || { echo "the search finds nothing"; failed=1; }
acted 01_attention.html 'document.body.dataset.copied = document.querySelector(".block .line").textContent;'
open_page book/acted-01_attention.html 1280 1 --virtual-time-budget=3000
grep -q 'data-copied="#include &lt;gradus/gradus.h&gt;"' "$place/dom.html" ||
  { echo "a copied line is not the line"; failed=1; }
[ $failed = 0 ] && echo "pages: $looked looks, no fault"
exit $failed
