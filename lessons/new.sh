#!/bin/sh
# new.sh NAME: begins a program of one's own, lessons/mine/NAME.cpp. Git leaves lessons/mine alone.
set -eu
cd "$(dirname "$0")/.."
case $1 in
  '' | [!a-z]* | *[!a-z0-9_]*)
    echo "make new NAME=my_idea: small letters, digits and _, a letter first; not \"$1\"" >&2
    exit 2 ;;
esac
if grep -q "^$1:" Makefile || [ -e "$1" ]; then
  echo "make $1 means something else already: choose another name" >&2
  exit 2
fi
program=lessons/mine/$1.cpp
if [ -e "$program" ]; then
  echo "$program is there already" >&2
  exit 2
fi
mkdir -p lessons/mine
cat >"$program" <<END
// My own program: what does softmax do to a row of scores?

#include <gradus/gradus.h>

#include <cstdio>

using namespace gradus;

int main() try {
  const Tensor scores = Tensor::from({1, 3}, std::vector<Scalar>{1, 2, 3})
                            .named("scores")
                            .requires_grad(true);
  const Tensor weights = softmax(scores).named("weights");
  sum(weights * weights).backward();
  std::printf("%s\n%s\n", to_string(weights).c_str(), to_string(scores.grad()).c_str());
  make_folder("lessons/mine/$1");  // what it writes goes here
  write_file("lessons/mine/$1/weights.txt", to_string(weights) + "\n");
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
END
echo "$program is yours. \`make $1\` builds and runs it, \`make debug-$1\` steps through it."
