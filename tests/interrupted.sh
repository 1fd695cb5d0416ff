#!/bin/sh
# A training run that is killed KILLS times (10) at random moments ends with the same weights, byte for
# byte, as one that is left alone: interrupted.sh [LESSON FOLDER], where the lesson trains into build/FOLDER.
set -eu
cd "$(dirname "$0")/.."
lesson=${1:-12_classifier} folder=build/${2:-classifier}
make --no-print-directory -s build/release/lessons/$lesson >/dev/null
program=$PWD/build/release/lessons/$lesson
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
ln -s "$PWD/lessons" "$place/lessons"
cd "$place"
EPOCHS=${EPOCHS:-12}
export EPOCHS

"$program" >/dev/null 2>&1
cp $folder/best.safetensors alone.safetensors

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
grep -m1 "going on" finish.txt || true
cmp alone.safetensors $folder/best.safetensors
echo "killed $kills times: the same weights"
