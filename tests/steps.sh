#!/bin/sh
# Records small programs step by step (GRADUS_RECORD), opens the page in a browser without a window,
# goes through it with the keyboard, and compares the arithmetic that it shows with that on paper.
set -u
cd "$(dirname "$0")/.."
. tests/browser.sh
failed=0

cat >"$place/program.cpp" <<'END'
#include <gradus/gradus.h>
using namespace gradus;
int main(int count, char**) {
  const Tensor a = Tensor::matrix({{2, -1}, {0, 3}}).requires_grad(true).named("a</script>&");
  const Tensor b = Tensor::matrix({{1, 4}, {5, 6}}).requires_grad(true).named("b");
  const Tensor c = matmul(a, b, {.transpose_b = true}).named("c");  // {{-2, 4}, {12, 18}}
  const Tensor d = (c / 2).named("d");                              // {{-1, 2}, {6, 9}}
  const Tensor p = softmax(Tensor::matrix({{0, 0}}).requires_grad(true)).named("p");
  const Tensor e = (d * p).named("e");                              // half of d
  const Tensor loss = sum(e + a).named("loss");                     // 8 + 4
  loss.backward();
  for (int i = 0; count > 1 && i < 400; ++i) exp(b);
  Tensor::zeros({40, 40}) * 2;
}
END
make -s -j2 build/release/libgradus.a >/dev/null || exit 1
${CXX:-g++} -std=c++20 -Iinclude -pthread "$place/program.cpp" build/release/libgradus.a \
  -o "$place/program" || exit 1
GRADUS_RECORD="$place/page.html" "$place/program" 2>/dev/null || exit 1
GRADUS_RECORD="$place/long.html" "$place/program" more 2>/dev/null || exit 1
if command -v xmllint >/dev/null; then xmllint --noout "$place/page.html" || failed=1; fi

# shows NAME PAGE#ADDRESS ACTION WANTED: what the page has in data-seen after the script ACTION.
cases=
count=0
shows() {
  count=$((count + 1))
  act "$place/${2%%#*}" "$place/acted-$count.html" "
const press = key => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
const cell = (role, place, nth = 0) => document.querySelectorAll('table[data-role=\"' + role + '\"]')[nth]
  .querySelector('td[data-i=\"' + place + '\"]');
const focus = target => { target.focus(); target.dispatchEvent(new FocusEvent('focusin', { bubbles: true })); };
const text = id => document.getElementById(id).textContent;
let seen = '';
$3;
$(cat tests/page_check.js)
document.body.dataset.seen = seen;"
  cases="$cases[\"$1\", \"acted-$count.html#${2#*#}\", \"$4\"],
"
}

why='seen = text("why")'
shows "a line" "page.html#line=9" "seen = text('which')" "step 4 of 16, forward"
shows "a product" "page.html#step=1" "focus(cell('v', 2, 2)); $why" "0·1 + 3·4 = 12"
shows "a negative factor" "page.html#step=1" "focus(cell('v', 0, 2)); $why" "2·1 + (-1)·4 = -2"
shows "divided by a number" "page.html#step=2" "focus(cell('v', 3, 1)); $why" "18 / 2 = 9"
shows "softmax" "page.html#step=3" "focus(cell('v', 1, 1)); $why" "e^0 / (e^0 + e^0) = 0.5"
shows "a broadcast product" "page.html#step=4" "focus(cell('v', 2, 2)); $why" "6 · 0.5 = 3"
shows "an input" "page.html#step=4" "focus(cell('v', 2, 0)); $why" "This number was there before this step."
shows "a sum" "page.html#step=7" "focus(cell('v', 0, 1)); $why" "1.5 + 0 + 3 + 7.5 = 12"
shows "the keyboard" "page.html#step=1" "press('ArrowRight'); press('ArrowRight'); press('ArrowLeft'); seen = text('which')" "step 2 of 16, forward"
shows "the keyboard in a table" "page.html#step=1" "focus(cell('v', 0, 2)); press('ArrowDown'); press('ArrowRight'); $why" "0·5 + 3·6 = 18"
shows "backward begins" "page.html#step=8" "seen = text('which')" "step 8 of 16, backward() begins"
shows "the gradient of a broadcast factor" "page.html#step=12" "focus(cell('1', 1)); $why" "1·2 + 1·9 = 11"
shows "the gradient of softmax" "page.html#step=13"  "focus(cell('0', 1)); $why" \
  "y · (dy − Σ dy y) = 0.5 · (11 − 8), where Σ dy y = 5·0.5 + 11·0.5; together = 1.5"
shows "added to what was there" "page.html#step=15" "focus(cell('0', 1)); $why" \
  "0.25·4 + 0.25·6 = 2.5; it was 1, and is now 3.5"
shows "a large tensor" "page.html#step=16" "focus(cell('v', 0, 1)); $why; seen += document.querySelectorAll('td').length" \
  "This page does not know the arithmetic of this number.312"
shows "a long run" "long.html#step=300" "seen = text('cut')" "The first 300 steps are here; 116 more were not kept."

look_through . "1280, 390" $count "$cases"
if [ $failed -gt 0 ]; then exit 1; fi
echo "steps: in $count cases the page shows the arithmetic of the numbers"
