#!/bin/sh
# start.sh gdb|lldb PROGRAM [COMMANDS-FILE]: opens the debugger with the tensor printers loaded,
# stopped at the first statement of main. With a file of commands it runs those and ends.
here=$(dirname "$0")
if [ "$1" = lldb ]; then
  # Debian's lldb 14 looks for its own Python module in a folder that does not exist.
  for place in /usr/lib/llvm-*/lib/python3*/dist-packages; do
    [ -e "$place/lldb/embedded_interpreter.py" ] && PYTHONPATH=$place && export PYTHONPATH
  done
  exec lldb ${3:+-b} -o "command script import $here/lldb_gradus.py" \
    -o 'breakpoint set --name main --one-shot true' -o run ${3:+-s "$3"} "$2"
fi
exec gdb -q ${3:+-batch} -x "$here/gdb_gradus.py" -ex start ${3:+-x "$3"} "$2"
