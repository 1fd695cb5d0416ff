#!/bin/sh
# A training run that is killed KILLS times (10) at random moments ends with the same weights, byte for
# byte, as one that is left alone.
set -eu
cd "$(dirname "$0")/.."
make --no-print-directory -s build/release/lessons/12_classifier >/dev/null
program=$PWD/build/release/lessons/12_classifier
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
ln -s "$PWD/lessons" "$place/lessons"
cd "$place"
STEPS=${STEPS:-12}
export STEPS

"$program" >/dev/null 2>&1
cp build/classifier/best.safetensors alone.safetensors

rm -rf build
kills=0
while [ $kills -lt "${KILLS:-10}" ]; do
  "$program" >/dev/null 2>&1 &
  pid=$!
  sleep "$(awk -v seed="$kills$$" 'BEGIN { srand(seed); printf "%.3f", 0.1 + 1.5 * rand() }')"
  if kill -9 $pid 2>/dev/null; then kills=$((kills + 1)); fi
  wait $pid 2>/dev/null || true
done
"$program" >finish.txt 2>&1
head -n 2 finish.txt | tail -n 1
cmp alone.safetensors build/classifier/best.safetensors
echo "killed $kills times: the same weights"
