#!/bin/sh
# A project of one's own, far from this folder: the library is installed, and a copy of a lesson is
# built against it with every compiler that is there, by pkg-config where that is installed.
set -eu
cd "$(dirname "$0")/.."
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
make --no-print-directory PREFIX="$place/there" install >/dev/null
cp lessons/02_gradients.cpp "$place/mine.cpp"
expected=$PWD/lessons/expected/02.txt
cd "$place"
mkdir build
flags="-std=c++20 -pthread -I$place/there/include -L$place/there/lib -lgradus"
if command -v pkg-config >/dev/null 2>&1; then
  flags=$(PKG_CONFIG_PATH="$place/there/lib/pkgconfig" pkg-config --cflags --libs gradus)
else
  echo "SKIPPED: pkg-config is not installed"
fi
tried=0
for compiler in g++ clang++; do
  if ! command -v $compiler >/dev/null 2>&1; then
    echo "SKIPPED: $compiler is not installed"
    continue
  fi
  $compiler -Wall -Wextra -Wpedantic -Werror mine.cpp $flags -o mine
  ./mine >mine.txt
  # The lines of an error or a graph name the file, which has another name here.
  sed 's|mine\.cpp|lessons/02_gradients.cpp|g' mine.txt | cmp - "$expected"
  tried=$((tried + 1))
done
echo "installed: $tried passed, 0 failed"
[ $tried -gt 0 ]
