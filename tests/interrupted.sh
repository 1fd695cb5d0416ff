#!/bin/sh
# A training run that is killed KILLS times (10) at random moments ends with the same weights, byte for
# byte, as one that is left alone: interrupted.sh [LESSON [DATA]]. ROWS=n leaves the first n lines of each
# file of data (and of DATA), which shortens it.
set -eu
cd "$(dirname "$0")/.."
lesson=${1:-12_classifier}
make --no-print-directory -s build/release/lessons/$lesson >/dev/null
program=$PWD/build/release/lessons/$lesson
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir -p "$place/lessons/data"
for file in lessons/data/*.tsv ${2:+"$2"}; do
  head -n "${ROWS:-1000000}" "$file" >"$place/lessons/data/$(basename "$file")"
done
cd "$place"
run() { GRADUS_THREADS=1 EPOCHS=${EPOCHS:-12} exec "$program" ${2:+"lessons/data/$(basename "$2")"}; }
weights() { find build -name '*.safetensors' ! -name '*before*' -exec sha256sum {} + | sort -k 2; }

start=$(date +%s)
(run "$@") >alone.txt 2>&1
seconds=$(($(date +%s) - start + 1))
weights >alone.sums
cat alone.sums

rm -rf build
kills=0
while [ $kills -lt "${KILLS:-10}" ]; do
  (run "$@") >killed.txt 2>&1 &
  pid=$!
  sleep "$(awk -v seed="$kills$$" -v most=$seconds 'BEGIN { srand(seed); printf "%.3f", 0.1 + most / 2 * rand() }')"
  if kill -9 $pid 2>/dev/null; then
    kills=$((kills + 1))
    echo "kill $kills: $(grep -c 'going on' killed.txt) gone on, $(tr '\r' '\n' <killed.txt | tail -n 1 | cut -c1-70)"
  fi
  wait $pid 2>/dev/null || true
done
(run "$@") >finish.txt 2>&1
grep -m1 "going on" finish.txt || true
weights | cmp - alone.sums
echo "killed $kills times: the same weights"
