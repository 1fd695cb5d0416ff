#!/bin/sh
# Fetches doctest, the one package that the tests need, through the system's package manager.
# Nothing happens where the compiler finds it already.
found() {
  printf '#include <doctest/doctest.h>\n' | ${CXX:-c++} -x c++ -E - >/dev/null 2>&1
}
give_up() {
  echo "The tests need doctest: install the package $1, or put doctest/doctest.h on the compiler's path." >&2
  exit 1
}

found && exit 0
as_root=
[ "$(id -u)" = 0 ] || as_root="sudo"
if command -v brew >/dev/null 2>&1; then
  brew install doctest || give_up "doctest (brew)"
elif [ -n "$as_root" ] && ! command -v sudo >/dev/null 2>&1; then
  give_up "doctest-dev (Debian, Ubuntu), doctest-devel (Fedora) or doctest (Arch, Homebrew)"
elif command -v apt-get >/dev/null 2>&1; then
  $as_root apt-get install -y doctest-dev || { $as_root apt-get update && $as_root apt-get install -y doctest-dev; } ||
    give_up "doctest-dev (apt)"
elif command -v dnf >/dev/null 2>&1; then
  $as_root dnf install -y doctest-devel || give_up "doctest-devel (dnf)"
elif command -v pacman >/dev/null 2>&1; then
  $as_root pacman -S --noconfirm doctest || give_up "doctest (pacman)"
fi
found || give_up "doctest-dev, doctest-devel or doctest (as your system calls it)"
