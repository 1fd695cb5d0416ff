#!/bin/sh
# start.sh gdb|lldb PROGRAM [COMMANDS-FILE]: opens the debugger with the tensor printers loaded,
# stopped at the first statement of main, or at the line GRADUS_STOP=file:line. With a file of
# commands it runs those and ends. DATA, where it is set, is the program's argument.
here=$(dirname "$0")
case $1 in
  gdb | lldb) ;;
  *) echo "start.sh: the debugger is gdb or lldb, not $1" >&2; exit 2 ;;
esac
if ! command -v "$1" >/dev/null 2>&1; then
  echo "$1 is not installed. Install the package $1 (Debian, Ubuntu: apt install $1)." >&2
  exit 127
fi
GRADUS_THREADS=${GRADUS_THREADS:-1}  # all on one thread, so that `step` sees everything
export GRADUS_THREADS
if [ "$1" = lldb ]; then
  # Debian's lldb 14 looks for its own Python module in a folder that does not exist.
  for place in /usr/lib/llvm-*/lib/python3*/dist-packages; do
    [ -e "$place/lldb/embedded_interpreter.py" ] && PYTHONPATH=$place && export PYTHONPATH
  done
  exec lldb ${3:+-b} -o "command script import $here/lldb_gradus.py" \
    ${DATA:+-o "settings set target.run-args '$DATA'"} \
    -o 'breakpoint set --name main --one-shot true' -o run \
    ${GRADUS_STOP:+-o "breakpoint set --one-shot true --file ${GRADUS_STOP%:*} --line ${GRADUS_STOP#*:}" -o continue} ${3:+-s "$3"} "$2"
fi
exec gdb -q ${3:+-batch} -x "$here/gdb_gradus.py" ${DATA:+-ex "set args '$DATA'"} -ex start \
  ${GRADUS_STOP:+-ex "tbreak $GRADUS_STOP" -ex continue} ${3:+-x "$3"} "$2"
