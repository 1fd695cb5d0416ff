#!/bin/sh
# Opens an attention page in a browser without a window, points at words as a mouse, a keyboard, a
# finger and a link would, and compares the numbers that appear with those that were given.
set -u
cd "$(dirname "$0")/.."
. tests/browser.sh
failed=0

# Weights that tell where they come from: 0.hij in head h, from word i to word j, where the heads of
# layer 1 are 1 and 2, those of layer 2 are 3 and 4.
cat >"$place/page.cpp" <<'END'
#include <gradus/gradus.h>
int main(int, char** arguments) {
  const std::vector<std::string> words{"not", "<script>alert(1)</script>", "\"für\" &amp;"};
  std::vector<gradus::Scalar> weights;
  for (int h : {1, 2, 3, 4})
    for (int i : {1, 2, 3})
      for (int j : {1, 2, 3})
        weights.push_back(static_cast<gradus::Scalar>(h * 100 + i * 10 + j) / 1000);
  const gradus::Tensor all = gradus::Tensor::from({2, 2, 3, 3}, weights);
  gradus::write_file(arguments[1], gradus::attention_html(
                                       "A page", {{"first", words, all}, {"second", words, all}},
                                       "<svg><title>A picture</title><circle class='f0' r='3'/>"
                                       "<circle class='f0' r='3'/></svg>"));
}
END
make -s -j2 build/release/libgradus.a >/dev/null || exit 1
${CXX:-g++} -std=c++20 -Iinclude -pthread "$place/page.cpp" build/release/libgradus.a \
  -o "$place/page" || exit 1
"$place/page" "$place/page.html" || exit 1

# shows NAME ADDRESS ACTION WANTED: after the script ACTION, which sees `word(text, number)` and
# `button(text)`, the page must have the numbers WANTED below the words of both texts.
cases=
count=0
shows() {
  count=$((count + 1))
  act "$place/page.html" "$place/acted-$count.html" "
const word = (text, number) =>
  document.querySelectorAll('section')[text - 1].querySelectorAll('.word')[number - 1];
const button = text =>
  Array.from(document.querySelectorAll('nav button')).find(b => b.textContent === text);
const point = target => target.dispatchEvent(new PointerEvent('pointerenter'));
// A window that is not in front yet holds the event back.
const focus = target => {
  target.focus({ focusVisible: true });
  if (!document.hasFocus()) target.dispatchEvent(new FocusEvent('focus'));
};
$3;
document.body.dataset.seen = Array.from(document.querySelectorAll('small'),
  small => small.textContent.trim()).join(' ').trim();
$(cat tests/page_check.js)"
  cases="$cases[\"$1\", \"acted-$count.html$2\", \"$4\"],
"
}

first="0.111 0.112 0.113"
shows "as it opens" "" "" "$first"
shows "a link" "#word=3&head=2&layer=2" "" "0.431 0.432 0.433"
shows "a link to who looks at a word" "#text=1&word=3&direction=by" "" "0.113 0.123 0.133"
shows "a link to the mean of the heads" "#word=2&head=mean" "" "0.171 0.172 0.173"
shows "a link to what is not there" "#text=9&word=x&head=0&layer=-1" "" "$first"
shows "the mouse" "" "point(word(1, 2))" "0.121 0.122 0.123"
shows "the mouse in the second text" "" "point(word(2, 3))" "$first 0.131 0.132 0.133"
shows "the keyboard" "" "focus(word(1, 3))" "0.131 0.132 0.133"
shows "a click holds" "" "word(1, 2).click(); point(word(1, 3))" "0.121 0.122 0.123"
shows "a second click lets go" "" "word(1, 2).click(); word(1, 2).click(); point(word(1, 3))" \
  "0.131 0.132 0.133"
shows "buttons" "" "button('2').click(); button('mean').click(); button('is looked at by').click()" \
  "0.361 0.371 0.381"
# Pages: which text is there, which dot of the picture is marked, and where one is.
there='document.querySelectorAll("small").forEach(s => { s.textContent = ""; });
  document.querySelector("small").textContent = [...document.querySelectorAll("section")].map(s => s.hidden)
    + " " + [...document.querySelectorAll("circle")].map(c => c.getAttribute("r")) + " " + which.textContent'
press() { echo "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '$1', bubbles: true}));"; }
shows "the first page" "" "$there" "false,true 7,3 1 of 2"
shows "the arrow keys" "" "$(press ArrowRight) $there" "true,false 3,7 2 of 2"
shows "there and back" "" "$(press ArrowRight) $(press ArrowRight) $(press ArrowLeft) $there" "false,true 7,3 1 of 2"
shows "a link to a page" "#text=2&word=1" "$there" "true,false 3,7 2 of 2"
shows "the word stays chosen" "" "word(1, 3).click(); document.getElementById('on').click()" \
  "0.131 0.132 0.133 0.131 0.132 0.133"
look_through . "800, 375" $count "$cases"
if [ $failed -gt 0 ]; then exit 1; fi
echo "pictures: in $count cases the page shows the numbers given"
