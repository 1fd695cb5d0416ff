#!/bin/sh
# Sees to it that doctest is there, the one package that the tests need. Where the compiler does not
# find it, says which command would install it, and asks; with CI set it installs without asking.
found() {
  printf '#include <doctest/doctest.h>\n' | ${CXX:-c++} -x c++ -E - >/dev/null 2>&1
}
give_up() {
  cat >&2 <<'END'
The tests need doctest, one header. Install the package (doctest-dev on Debian
and Ubuntu, doctest-devel on Fedora, doctest on Arch and Homebrew), or put
doctest/doctest.h on the compiler's path.
END
  exit 1
}

found && exit 0
if command -v brew >/dev/null 2>&1; then
  install="brew install doctest"
elif command -v apt-get >/dev/null 2>&1; then
  install="apt-get install -y doctest-dev"
elif command -v dnf >/dev/null 2>&1; then
  install="dnf install -y doctest-devel"
elif command -v pacman >/dev/null 2>&1; then
  install="pacman -S --noconfirm doctest"
else
  give_up
fi
if [ "${install#brew}" = "$install" ] && [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null 2>&1 || give_up
  install="sudo $install"
fi

if [ -z "${CI:-}" ]; then
  # A make with several jobs gives its commands no input, so the terminal itself is asked.
  (: </dev/tty) 2>/dev/null || give_up
  printf 'The tests need doctest. Install it?  %s  [y/N] ' "$install"
  read -r answer </dev/tty
  case $answer in [yY]*) ;; *) give_up ;; esac
fi
$install || { [ "${install#*apt-get}" != "$install" ] && ${install%install *}update && $install; } ||
  give_up
found || give_up
