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
