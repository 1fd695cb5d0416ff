# For the tests that look at pages: finds a browser that works without a window, or ends the test;
# makes a folder $place that goes at the end; and opens pages.
browser=
for name in chromium chromium-browser google-chrome; do
  if command -v $name >/dev/null 2>&1; then browser=$name; fi
done
if [ -z "$browser" ]; then
  echo "SKIPPED: Chromium is not installed"
  exit 0
fi
place=$(mktemp -d) || exit 1
trap 'rm -rf "$place"' EXIT

# open_page ADDRESS WIDTH COLOURS [OPTION...]: the page as its scripts leave it; COLOURS 0 is dark;
# after $patience seconds (60) the browser is stopped.
open_page() {
  address=$1
  size=$2,900
  colours=$3
  shift 3
  timeout "${patience:-60}" "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$place/profile" \
    --blink-settings=preferredColorScheme="$colours" --window-size="$size" "$@" \
    --dump-dom "file://$place/$address" >"$place/dom.html" 2>/dev/null
}
# said NAME: what its scripts wrote into data-NAME of the body.
said() { sed -n "s/.*<body[^>]* data-$1=\"\([^\"]*\)\".*/\1/p" "$place/dom.html" | head -n 1; }

# act PAGE COPY SCRIPT: a copy of the page that runs SCRIPT at its end, and keeps its first error.
act() {
  sed 's|</body>||; s|</html>||; s|<head>|<head><script>addEventListener("error", e => { document.documentElement.dataset.error = e.message; })</script>|' \
    "$1" >"$2"
  printf '<script>//<![CDATA[\n%s\n//]]></script></body></html>' "$3" >>"$2"
}

# look_through FOLDER WIDTHS COUNT CASES: one browser goes through COUNT cases [name, address, wanted]
# in $place/FOLDER, each in a frame as wide as a window would be, light and dark. It complains of
# each that has other words than wanted in data-seen of its body, or any in data-faults. (To start a
# browser for each would take longer than to look.)
look_through() {
  cat >"$place/$1/every.html" <<END
<!DOCTYPE html><title>Every case</title><body><script>
const faults = [];
let looked = 0;
const look = ([name, page, wanted], width) => new Promise(done => {
  const frame = document.createElement("iframe");
  frame.width = width;
  frame.height = 900;
  frame.src = page;
  frame.onload = () => setTimeout(() => {
    const found = frame.contentDocument.body.dataset;
    if (frame.contentWindow.innerWidth !== width || found.seen !== wanted || found.faults !== "")
      faults.push(name + " (" + width + "): wanted " + wanted + ", seen " + found.seen + ", faults: " + found.faults);
    ++looked;
    frame.remove();
    done();
  }, 200);
  document.body.append(frame);
});
(async () => {
  for (const one of [$4])
    for (const width of [$2]) await look(one, width);
  document.body.dataset.faults = faults.join("; ");
  document.body.dataset.looked = looked;
})();
</script></body>
END
  all=$(($3 * $(echo "$2" | wc -w)))
  for colours in 1 0; do  # 0 is dark
    patience=300 open_page "$1/every.html" 1280 $colours --allow-file-access-from-files --virtual-time-budget=$((all * 1000))
    faults=$(said faults)
    [ "$(said looked)" = $all ] && [ -z "$faults" ] && continue
    echo "colours $colours, $(said looked) of $all looks: ${faults:-not all cases were looked at}"
    failed=1
  done
}
