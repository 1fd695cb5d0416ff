#!/bin/sh
# Makes the book and checks it: every lesson has a page, every link leads somewhere, nothing is
# fetched from elsewhere, and (where xmllint is installed) every page is well formed.
#
#   tests/book_test.sh [folder]     checks a book that is already there, without making it
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 1
book=${1:-build/book}
[ $# -gt 0 ] || make book || exit 1
lists=$(mktemp -d) || exit 1
trap 'rm -rf "$lists"' EXIT
failures=0
complain() {
  echo "book_test: $*" >&2
  failures=$((failures + 1))
}

for lesson in lessons/[0-9]*.cpp; do
  name=$(basename "$lesson" .cpp)
  [ -s "$book/$name.html" ] || complain "$lesson has no page"
  grep -q "href=\"$name.html\"" "$book/index.html" || complain "$lesson is not in the contents"
  # Every line of the file that holds code is on the page, as #L57 for line 57.
  awk '!/^ *$/ && !/^ *\/\// { print "id=\"L" NR "\"" }' "$lesson" | sort > "$lists/code"
  grep -o 'id="L[0-9]*"' "$book/$name.html" | sort > "$lists/shown"
  lost=$(comm -23 "$lists/code" "$lists/shown" | head -n 1)
  [ -z "$lost" ] || complain "$name.html lacks code: $lost"
  case $name in
    01* | 02* | 06* | 07* | 10*)
      grep -q "href=\"steps-$name.html#line=" "$book/$name.html" || complain "$name has no steps" ;;
  esac
  # What the lesson prints stands under the blocks that print it, all of it and in order.
  text=lessons/expected/${name%%_*}.txt
  [ -e "$text" ] || continue
  ! grep -q 'id="output"' "$book/$name.html" ||
    complain "$name.html has its output at the end: sh tests/bits.sh accept ${name%%_*}"
  sed -n '/<pre class="output"/,/<\/pre>/p' "$book/$name.html" | sed 's/<[^>]*>//g' |
    sed 's/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g; s/&amp;/\&/g' | grep -v '^ *$' > "$lists/output"
  grep -v '^ *$' "$text" | cmp -s - "$lists/output" || complain "$name.html shows other output"
done

# Indices and exponents are such, names of code are not; terms, and lessons, lead to their pages.
has() { grep -q "$2" "$book/$1" || complain "$1 lacks $2"; }
has 01_attention.html 'W<sub>q</sub>'
has 01_attention.html 'e<sup>s - m</sup>'
has 01_attention.html 'transpose_b'
has 01_attention.html 'class="term" href="glossary.html#softmax" title="e^x'
# Formulas are MathML: the product before " / " is what is divided, and a root has no parentheses.
has 01_attention.html '<mfrac><mrow><mi>query</mi><mspace width="0.25em"/><msup><mi>key</mi><mn>T</mn></msup></mrow><mrow><msqrt>'
has 04_scaling.html '<mfrac><mrow><mrow><mi>q</mi><mo>·</mo><mi>k</mi></mrow></mrow><mrow><msqrt><mrow><mi>d</mi></mrow></msqrt>'
has 07_heads.html '<msub><mi>W</mi><mrow><mi>q</mi><mo>,</mo><mi>h</mi></mrow></msub>'
has 08_order.html '<msup><mn>10000</mn><mrow><mrow><mo form="prefix">−</mo><mfrac>'
has 17_flash.html '<mi>e</mi><mrow><mrow><mi>x</mi><mo>−</mo><mi>m</mi></mrow>'
# A link to a declaration says what stands above it there, behind it, or at the head of its header.
has 01_attention.html 'href="operations.h.html#L[0-9]*" title="e^x / Σ e^x along one axis'
has 03_descent.html 'href="tensor.h.html#L[0-9]*" title="Tensors, and the graph'
has reference.html 'title="e^x / Σ e^x along one axis'
has 10_encoder.html '<a href="01_attention.html">1</a> to <a href="07_heads.html">7</a>'
has 17_flash.html '<a href="source-attention.cpp.html">src/kernels/attention.cpp</a>'
has index.html 'Runs in half a second.'
# Lesson 16 needs data that are elsewhere: its picture is one that is kept.
has index.html 'src="real_reviews.svg"'
! grep -q 'dense<sub>' "$book"/*.html || complain "dense_1 is a name"

# What can be linked to: each page, and each id on it.
for file in "$book"/*; do
  name=$(basename "$file")
  echo "$name"
  grep -o ' id="[^"]*"' "$file" | sed "s/^ id=\"\(.*\)\"/$name#\1/"
done | sort > "$lists/targets"
uniq -d "$lists/targets" > "$lists/twice"
while read -r target; do complain "the id $target is given twice"; done < "$lists/twice"

# What is linked to; "#output" is on the same page.
for file in "$book"/*.html; do
  name=$(basename "$file")
  grep -oE '(href|src)="[^"]*"' "$file" | sed "s/^[a-z]*=\"\(.*\)\"/\1/; s/^#/$name#/; s/#line=.*//"
done | sort -u > "$lists/links"
comm -23 "$lists/links" "$lists/targets" > "$lists/broken"
while read -r link; do
  complain "the link $link leads nowhere: $(grep -l "\"$link\"" "$book"/*.html | head -n 1)"
done < "$lists/broken"
[ "$(wc -l < "$lists/links")" -gt 100 ] || complain "hardly any links were found"

grep -lE '@import|url\(http' "$book"/* && complain "a file is fetched from elsewhere"
if command -v xmllint > /dev/null; then
  for file in "$book"/*.html; do
    xmllint --noout "$file" || complain "$file is not well formed"
  done
else
  echo "SKIPPED: xmllint is not installed: are the pages well formed?"
fi

if [ "$failures" -gt 0 ]; then exit 1; fi
echo "book_test: $(ls "$book"/*.html | wc -l | tr -d ' ') pages," \
  "$(wc -l < "$lists/links" | tr -d ' ') different links, all lead somewhere"
